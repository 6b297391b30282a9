// Every view as a picture in build/browser, desktop and phone, light and dark, and what axe-core finds in it.

import assert from 'node:assert/strict';
import {createRequire} from 'node:module';
import {after, before, test} from 'node:test';
import fs from 'node:fs';
import path from 'node:path';

import {card, join, launch, open} from './browser.mjs';
import {Server, kOut, sleep, toneFile, until} from './server.mjs';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kDesktop = {viewport: {width: 1280, height: 800}};
const kPhone = {viewport: {width: 390, height: 844}, isMobile: true, hasTouch: true, deviceScaleFactor: 2};
let server;
let browser;
let natives;

before(async () => {
  server = await Server.start({}, 'views');
  browser = await launch({wav: toneFile(440)});
  natives = [['Chidi Okafor', 'tone:800'], ['Dana Lindqvist', 'silence']].map(([name, input]) =>
    server.native('Weekly meeting', ['--name', name, '--input', input, '--output', 'null']));
});
after(async () => {
  for (const native of natives ?? []) await native.stop();
  await browser?.close();
  await server?.down();
});

async function look(page, name) {
  await page.screenshot({path: path.join(kOut, `${name}.png`)});
  // evaluate() is not subject to the page's policy, a script element would be.
  await page.evaluate(axe);
  const {violations} = await page.evaluate(() => window.axe.run(document, {resultTypes: ['violations']}));
  const serious = violations.filter(({impact}) => ['serious', 'critical'].includes(impact))
    .map(({id, nodes}) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
  assert.deepEqual(serious, [], name);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name} scrolls sideways by ${wide}`);
}

for (const [device, size] of [['desktop', kDesktop], ['phone', kPhone]]) {
  for (const colorScheme of ['light', 'dark']) {
    const shot = (view) => `${view}-${device}-${colorScheme}`;
    test(`views: ${device}, ${colorScheme}`, async () => {
      const page = await open(browser, {...size, colorScheme});
      await page.goto(`${server.url}/`);
      await page.click('summary');
      await until('the meter moves', () => page.$eval('.level', (bar) => bar.getAttribute('aria-valuenow') > -40));
      await look(page, shot('lobby'));
      await join(page, `${server.url}/r/Weekly%20meeting`, 'Ann Archer');
      await until('somebody talks', async () => (await page.locator('.person.talking').count()) >= 1);
      await sleep(500);
      await look(page, shot('room'));
      await card(page, 'Chidi Okafor').locator('.icon-button').click();
      await look(page, shot('person'));
      await page.keyboard.press('Escape');
      await page.click('.tool:has-text("Chat")');
      await page.fill('#chat-text', 'Shall we start?');
      await page.keyboard.press('Enter');
      await page.waitForSelector('.lines .mine');
      await look(page, shot('chat'));
      await page.keyboard.press('Escape');
      await page.click('.tool:has-text("Sound")');
      await look(page, shot('sound'));
      await page.keyboard.press('Escape');
      await page.click('.tool:has-text("Leave")');
      await page.waitForSelector('.farewell');
      await look(page, shot('farewell'));
      await page.goto(`${server.url}/status`);
      await page.click('.room-row');
      await page.waitForSelector('table');
      await look(page, shot('status'));
      assert.deepEqual(page.problems, []);
      await page.context().close();
    });
  }
}

test('everything is reached by the keyboard', async () => {
  const page = await open(browser, kDesktop);
  await page.goto(`${server.url}/r/keyboard`);
  await page.keyboard.type('Kay');  // the name has the focus
  await page.keyboard.press('Enter');
  await page.waitForSelector('.room[data-state=live]');
  const reached = new Set();
  for (let i = 0; i < 30; ++i) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.getAttribute('aria-label')));
  }
  for (const label of ['Copy link', 'Raise hand', 'Chat', 'Mute', 'Sound', 'Leave', 'Lock room', 'Mute all'])
    assert.ok(reached.has(label), `${label} is not reached: ${[...reached]}`);
  await page.context().close();
});
