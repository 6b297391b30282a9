// Recording by clicking: the light, the list, the picture of who spoke, playing, downloading, deleting.

import assert from 'node:assert/strict';
import path from 'node:path';
import {after, before, test} from 'node:test';

import {join, launch, open} from './browser.mjs';
import {Server, kOut, sleep, toneFile, until} from './server.mjs';

const kConfig = {recording: {directory: path.join(kOut, 'recordings')}};
const skip = Server.takes(kConfig) ? false : 'this server does not record';
let server;
let browsers;

before(async () => {
  if (skip) return;
  server = await Server.start(kConfig, 'recordings');
  browsers = [await launch({wav: toneFile(440)}), await launch({wav: toneFile(660)})];
});
after(async () => {
  for (const browser of browsers ?? []) await browser.close();
  await server?.down();
});

test('a moderator records; it is listed, played, fetched and deleted', {skip}, async () => {
  const room = `tape-${Date.now()}`;
  const [ann, ben] = [await open(browsers[0]), await open(browsers[1])];
  await join(ann, `${server.url}/r/${room}`, 'Ann');
  await join(ben, `${server.url}/r/${room}`, 'Ben');
  await ann.click('.tool:has-text("Record")');
  await ben.waitForSelector('.light:not([hidden])');
  await ben.waitForSelector('.toast:has-text("is being recorded")');
  await sleep(1000);
  await ben.click('.mute');
  await sleep(2000);
  await ben.click('.mute');  // what Ben says from here on is a new turn
  await sleep(2000);
  await ann.click('.tool:has-text("Stop recording")');
  await ben.waitForSelector('.light[hidden]', {state: 'attached'});

  const page = await open(browsers[0], {viewport: {width: 1280, height: 800}});
  await page.goto(`${server.url}/recordings`);
  const row = page.locator('.room-row', {hasText: room});
  await until('the recording is listed', async () => (await row.count()) === 1);
  await page.fill('#filter-room', 'none such');
  await page.keyboard.press('Tab');
  await until('the filter works', async () => (await row.count()) === 0);
  await page.fill('#filter-room', room);
  await page.keyboard.press('Tab');
  await until('the filter finds it', async () => (await row.count()) === 1);
  await row.click();
  await until('the people are shown', async () => (await page.locator('.timeline .name').count()) === 2);
  assert.deepEqual((await page.locator('.timeline .name').allTextContents()).sort(), ['Ann', 'Ben']);
  assert.ok((await page.locator('.timeline rect').count()) >= 1, 'Ben is seen to have spoken');
  await until('the mixdown can be played', () => page.$eval('audio', (audio) => audio.readyState > 0 && audio.duration > 2));
  await page.screenshot({path: path.join(kOut, 'recordings-desktop-light.png')});
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Everything (.zip)')]);
  assert.match(download.suggestedFilename(), /\.zip$/);
  await page.click('text="Delete"');
  await page.click('text=Delete for ever?');
  await until('it is gone', async () => (await row.count()) === 0);
  for (const one of [ann, ben, page]) assert.deepEqual(one.problems, []);
});
