// What people do in a room, by clicking: mute, push-to-talk, volume, hand, chat, kick, lock, PIN, reload, restart of the
// server. What is heard is measured in the sound itself.

import assert from 'node:assert/strict';
import {after, before, beforeEach, test} from 'node:test';

import {card, hear, join, launch, open} from './browser.mjs';
import {Server, sleep, toneFile, until} from './server.mjs';

const kAnn = 440;
const kBen = 660;
let server;
let annsBrowser;
let bensBrowser;
let room = 0;

before(async () => {
  server = await Server.start({mix: {auto_level: 'off'}}, 'room');  // it would take back what a slider does
  annsBrowser = await launch({wav: toneFile(kAnn)});
  bensBrowser = await launch({wav: toneFile(kBen)});
});
after(async () => {
  await annsBrowser?.close();
  await bensBrowser?.close();
  await server?.down();
});
beforeEach(() => ++room);

const url = () => `${server.url}/r/room-${room}`;
const tool = (page, text) => page.locator('.tool', {hasText: text});
const says = (page, text) => page.waitForSelector(`.toast:has-text("${text}")`);

const hears = (page, hz, loud = -35) => until(`${hz} Hz is heard`, async () => (await hear(page, [hz], 700))[hz] > loud);
const isSilent = (page, hz) => until(`${hz} Hz is not heard`, async () => (await hear(page, [hz], 1200))[hz] < -60);

async function two() {
  const ann = await open(annsBrowser);
  const ben = await open(bensBrowser);
  await join(ann, url(), 'Ann');
  await join(ben, url(), 'Ben');
  await hears(ann, kBen);
  return {ann, ben};
}
async function close(...pages) {
  for (const page of pages) {
    assert.deepEqual(page.problems, []);
    await page.context().close();
  }
}

test('mute, unmute, and the space bar while muted', async () => {
  const {ann, ben} = await two();
  await ben.click('.mute');
  await isSilent(ann, kBen);
  assert.equal(await ben.getAttribute('.mute', 'aria-pressed'), 'true');
  await until('the roster shows it', async () => (await card(ann, 'Ben').locator('.notes').textContent()).includes('muted'));
  await ben.locator('h1').click();  // the focus leaves the button
  await ben.evaluate(() => document.activeElement.blur());
  await ben.keyboard.down('Space');
  await hears(ann, kBen);
  await ben.keyboard.up('Space');
  await isSilent(ann, kBen);
  await ben.keyboard.press('m');
  await hears(ann, kBen);
  await close(ann, ben);
});

test('who talks is told to those who do not see it', async () => {
  const {ann, ben} = await two();
  const words = () => card(ann, 'Ben').locator('.unseen').textContent();
  await until('Ben is said to talk', async () => (await words()) === 'is talking');
  await ann.click('.mute');
  await until('Ann does not talk', async () => (await card(ann, 'Ann').locator('.unseen').textContent()) === '');
  await ann.evaluate(() => document.activeElement.blur());
  await ann.keyboard.press('t');
  await says(ann, 'Talking: Ben');
  await ben.click('.mute');
  await until('Ben is silent', async () => (await words()) === '');
  await ann.keyboard.press('t');
  await says(ann, 'Nobody is talking.');
  await close(ann, ben);
});

test('a personal volume is for its listener only', async () => {
  const {ann, ben} = await two();
  const loud = (await hear(ann, [kBen], 1500))[kBen];
  await card(ann, 'Ben').locator('.icon-button').click();
  const slider = card(ann, 'Ben').locator('input[type=range]');
  await slider.fill('-18');
  await until('18 dB less', async () => {
    const level = (await hear(ann, [kBen], 1500))[kBen];
    return Math.abs(loud - level - 18) < 3;
  });
  await slider.fill('-31');  // the lowest position: silent
  await isSilent(ann, kBen);
  await hears(ben, kAnn);
  await slider.fill('0');
  await hears(ann, kBen);
  await close(ann, ben);
});

test('hand and chat', async () => {
  const {ann, ben} = await two();
  await tool(ben, 'Raise hand').click();
  await says(ann, 'Ben raises a hand');
  assert.equal(await ann.locator('.person .name').first().textContent(), 'Ben', 'who has raised a hand stands first');
  await tool(ben, 'Lower hand').click();
  await tool(ben, 'Chat').click();
  await ben.fill('#chat-text', 'Grüße');
  await ben.keyboard.press('Enter');
  await says(ann, 'Ben: Grüße');
  assert.equal(await ann.locator('.unread').textContent(), '1');
  await tool(ann, 'Chat').click();
  assert.equal(await ann.locator('.lines li p').last().textContent(), 'Grüße');
  await close(ann, ben);
});

test('a moderator mutes, locks and removes', async () => {
  const {ann, ben} = await two();
  await card(ann, 'Ben').locator('.icon-button').click();
  await card(ann, 'Ben').locator('text=Mute for everybody').click();
  await isSilent(ann, kBen);
  await until('Ben sees it', async () => (await ben.getAttribute('.mute', 'aria-pressed')) === 'true');
  await ben.click('.mute');
  await says(ben, 'a moderator has muted you');
  await card(ann, 'Ben').locator('.icon-button').click();
  await card(ann, 'Ben').locator('text=Allow to talk').click();
  await hears(ann, kBen);

  await tool(ann, 'Lock room').click();
  await ben.waitForSelector('.lock-badge:not([hidden])');
  const late = await open(bensBrowser);
  await late.goto(url());
  await late.fill('#name', 'Late');
  await late.click('button[type=submit]');
  await late.waitForSelector('.error:has-text("locked")');
  await tool(ann, 'Unlock room').click();
  await ben.waitForSelector('.lock-badge[hidden]', {state: 'attached'});

  await card(ann, 'Ben').locator('.icon-button').click();
  await card(ann, 'Ben').locator('text=Remove from the room').click();
  await ben.waitForSelector('.farewell:has-text("removed")');
  await until('Ben is off the roster', async () => (await ann.locator('.person').count()) === 1);
  await isSilent(ann, kBen);
  await ben.click('text=Join again');
  await ben.click('button[type=submit]');
  await hears(ann, kBen);
  await close(ann, ben, late);
});

test('a room with a PIN', async () => {
  await server.api('POST', '/rooms', {name: `room-${room}`, pin: '4711'});
  const ann = await open(annsBrowser);
  await ann.goto(url());
  await ann.fill('#name', 'Ann');
  await ann.click('button[type=submit]');
  await ann.waitForSelector('.error:has-text("asks for a PIN")');
  await ann.fill('#pin', '1234');
  await ann.click('button[type=submit]');
  await ann.waitForSelector('.error:has-text("wrong")');
  await ann.fill('#pin', '4711');
  await ann.click('button[type=submit]');
  await ann.waitForSelector('.room[data-state=live]');
  await close(ann);
});

test('a reload comes back to the same place', async (t) => {
  const {ann, ben} = await two();
  await tool(ann, 'Lock room').click();
  await ben.waitForSelector('.lock-badge:not([hidden])');
  const id = await card(ann, 'Ben').getAttribute('data-id');
  const begin = Date.now();
  await ben.reload();
  await ben.waitForSelector('.room[data-state=live]');
  t.diagnostic(`reload to live: ${Date.now() - begin} ms`);
  await hears(ann, kBen);
  await hears(ben, kAnn);
  assert.equal(await card(ann, 'Ben').getAttribute('data-id'), id);
  assert.equal(await ann.locator('.person').count(), 2);
  await close(ann, ben);
});

test('a page that is closed is gone from the room', async (t) => {
  const {ann, ben} = await two();
  const begin = Date.now();
  await ben.context().close();
  await until('Ben has left', async () => (await ann.locator('.person').count()) === 1);
  t.diagnostic(`gone after ${Date.now() - begin} ms`);
  await close(ann);
});

test('a restart of the server heals by itself', async (t) => {
  const {ann, ben} = await two();
  await server.down();
  await ann.waitForSelector('.room[data-state=reconnecting]');
  await sleep(1000);
  await server.up();
  const begin = Date.now();
  for (const page of [ann, ben]) await page.waitForSelector('.room[data-state=live]');
  t.diagnostic(`live ${Date.now() - begin} ms after the server's return`);
  await hears(ann, kBen);
  await hears(ben, kAnn);
  assert.equal(await ann.locator('.person').count(), 2);
  ann.problems.length = ben.problems.length = 0;  // the browser logs each refused connection
  await close(ann, ben);
});

test('kill -9 likewise', async () => {
  const {ann, ben} = await two();
  await server.down('SIGKILL');
  await server.up();
  for (const [page, hz] of [[ann, kBen], [ben, kAnn]]) {
    await page.waitForSelector('.room[data-state=live]');
    await hears(page, hz);
  }
  ann.problems.length = ben.problems.length = 0;
  await close(ann, ben);
});

test('a microphone that is unplugged', async () => {
  const {ann, ben} = await two();
  // The browser ends the track when the device goes; here the test does.
  await ben.evaluate(() => {
    const track = window.testPeers.at(-1).getSenders()[0].track;
    track.stop();
    track.dispatchEvent(new Event('ended'));
  });
  await says(ben, 'unplugged');
  await hears(ann, kBen);
  await close(ann, ben);
});

test('without HTTPS there is no microphone: the page says so, and one listens', async () => {
  const ann = await open(annsBrowser);
  await ann.addInitScript(() => Object.defineProperty(navigator, 'mediaDevices', {value: undefined}));
  const ben = await open(bensBrowser);
  await join(ben, url(), 'Ben');
  await ann.goto(url());
  await ann.waitForSelector('#mic-hint:has-text("HTTPS")');
  await ann.fill('#name', 'Ann');
  await ann.click('button[type=submit]');
  await ann.waitForSelector('.room[data-state=live]');
  await hears(ann, kBen);
  await until('the others see it', async () => (await card(ben, 'Ann').locator('.notes').textContent()).includes('only listens'));
  await close(ann, ben);
});

test('somebody who refuses the microphone can listen, and allow it later', async () => {
  const ann = await open(annsBrowser);
  await ann.addInitScript(() => {
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (wish) =>
      window.allowed ? real(wish) : Promise.reject(new DOMException('no', 'NotAllowedError'));
  });
  const ben = await open(bensBrowser);
  await join(ben, url(), 'Ben');
  await ann.addInitScript(() => localStorage.setItem('parley.person', JSON.stringify({echo: false, noise: false, gain: false})));
  await ann.goto(url());
  await ann.waitForSelector('#mic-hint:has-text("refused")');
  await ann.fill('#name', 'Ann');
  await ann.click('button[type=submit]');
  await ann.waitForSelector('.room[data-state=live]');
  await hears(ann, kBen);
  await ann.evaluate(() => (window.allowed = true));
  await ann.click('.mute');  // opens the dialogue for the microphone
  await ann.click('text=Apply');
  await hears(ben, kAnn);
  await close(ann, ben);
});
