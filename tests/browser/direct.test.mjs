// Calls of two that leave the server: two browsers, a browser and a native client, and what brings them back. What is heard
// is measured in what the page plays.

import assert from 'node:assert/strict';
import {after, before, beforeEach, test} from 'node:test';
import path from 'node:path';

import {card, hear, join, launch, open} from './browser.mjs';
import {Server, kOut, sleep, toneFile, toneLevel, until} from './server.mjs';

const kAnn = 440;
const kBen = 660;
const kNat = 880;
const kLoud = -35;
let server;
let annsBrowser;
let bensBrowser;
let room = 0;

before(async () => {
  server = await Server.start({}, 'direct');
  annsBrowser = await launch({wav: toneFile(kAnn, 0.25, 10, 500)});
  bensBrowser = await launch({wav: toneFile(kBen, 0.25, 10, 500)});
});
after(async () => {
  await annsBrowser?.close();
  await bensBrowser?.close();
  await server?.down();
});
beforeEach(() => ++room);

const name = () => `direct-${room}`;
const url = () => `${server.url}/r/${name()}`;
const isDirect = (page) => page.waitForSelector('.direct-badge:not([hidden])', {timeout: 15000});
const isOnServer = (page) => page.waitForSelector('.direct-badge[hidden]', {state: 'attached', timeout: 15000});
const hears = (page, hz) => until(`${hz} Hz is heard`, async () => (await hear(page, [hz], 700))[hz] > kLoud);

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

// The longest time in which a tone was not heard, in ms, from now until what `finish` returns is there.
async function longestSilence(page, hz, during) {
  await page.evaluate((wanted) => {
    const context = (window.testContext ??= new AudioContext({sampleRate: 48000}));
    const analyser = new AnalyserNode(context, {fftSize: 1024, smoothingTimeConstant: 0});
    const sources = new Map();
    const bins = new Float32Array(analyser.frequencyBinCount);
    window.testSilence = {longest: 0, since: performance.now()};
    window.testSilence.timer = setInterval(() => {
      for (const audio of document.querySelectorAll('audio')) {
        const known = sources.get(audio);
        if (audio.srcObject !== null && known?.stream !== audio.srcObject) {
          const gain = new GainNode(context);
          context.createMediaStreamSource(audio.srcObject).connect(gain).connect(analyser);
          sources.set(audio, {stream: audio.srcObject, gain});
        }
        if (sources.has(audio)) sources.get(audio).gain.gain.value = audio.volume;
      }
      analyser.getFloatFrequencyData(bins);
      const now = performance.now();
      if (bins[Math.round((wanted * 1024) / 48000)] > -45) window.testSilence.since = now;
      else window.testSilence.longest = Math.max(window.testSilence.longest, now - window.testSilence.since);
    }, 5);
  }, hz);
  await sleep(200);
  await page.evaluate(() => (window.testSilence.longest = 0));
  await during();
  await sleep(700);
  return page.evaluate(() => {
    clearInterval(window.testSilence.timer);
    return window.testSilence.longest;
  });
}

// RTP packets between the page and the server within two seconds.
async function serverPackets(page) {
  const count = () => page.evaluate(async () => {
    let [sent, received] = [0, 0];
    (await window.testPeers[0].getStats()).forEach((entry) => {
      if (entry.type === 'outbound-rtp') sent += entry.packetsSent;
      if (entry.type === 'inbound-rtp') received += entry.packetsReceived;
    });
    return {sent, received};
  });
  const first = await count();
  await sleep(2000);
  const second = await count();
  return {sent: second.sent - first.sent, received: second.received - first.received};
}

test('two browsers go direct, and the server falls quiet', async (t) => {
  const {ann, ben} = await two();
  const begin = Date.now();
  await Promise.all([isDirect(ann), isDirect(ben)]);
  t.diagnostic(`direct ${Date.now() - begin} ms after the first sound`);
  await sleep(800);
  const levels = {ann: await hear(ann, [kAnn, kBen]), ben: await hear(ben, [kAnn, kBen])};
  t.diagnostic(`heard: ${JSON.stringify(levels)}`);
  assert.ok(levels.ann[kBen] > kLoud && levels.ann[kBen] - levels.ann[kAnn] > 25);
  assert.ok(levels.ben[kAnn] > kLoud && levels.ben[kAnn] - levels.ben[kBen] > 25);
  const packets = await serverPackets(ann);
  t.diagnostic(`to and from the server within 2 s: ${JSON.stringify(packets)}`);
  assert.equal(packets.sent, 0);
  assert.ok(packets.received <= 10, `${packets.received}`);
  assert.equal((await server.api('GET', `/rooms/${name()}`)).body.direct, true);
  await until('the ring shows who talks', async () => (await card(ann, 'Ben').getAttribute('class')).includes('talking'));
  await close(ann, ben);
});

test('a third comes and goes', async (t) => {
  const {ann, ben} = await two();
  await Promise.all([isDirect(ann), isDirect(ben)]);
  await sleep(800);
  const output = path.join(kOut, 'nat-direct.wav');
  let nat;
  const silence = await longestSilence(ann, kBen, async () => {
    nat = server.native(name(), ['--name', 'Nat', '--input', `tone:${kNat},amp=0.25`, '--output', output]);
    await Promise.all([isOnServer(ann), isOnServer(ben)]);
  });
  t.diagnostic(`a third came: longest silence ${silence.toFixed(0)} ms`);
  assert.ok(silence < 250, `${silence}`);
  for (const [page, hz] of [[ann, kBen], [ann, kNat], [ben, kAnn], [ben, kNat]]) await hears(page, hz);
  await sleep(1000);
  await nat.stop();
  for (const hz of [kAnn, kBen]) assert.ok(toneLevel(output, hz, 1) > kLoud, `Nat does not hear ${hz}`);
  await Promise.all([isDirect(ann), isDirect(ben)]);
  await hears(ann, kBen);
  await hears(ben, kAnn);
  await close(ann, ben);
});

test('a browser and a native client go direct', async (t) => {
  for (const first of ['browser', 'native']) {
    ++room;
    const output = path.join(kOut, `nat-${first}.wav`);
    const startNative = () => server.native(name(), ['--name', 'Nat', '--input', `tone:${kNat},amp=0.25`, '--output', output]);
    let nat = first === 'native' ? startNative() : null;
    if (nat) await until('Nat is in', () => nat.lines.some((line) => line.type === 'joined'));
    const ann = await open(annsBrowser);
    await join(ann, url(), 'Ann');
    nat ??= startNative();
    await isDirect(ann);
    await until('Nat is direct', () => nat.lines.some((line) => line.type === 'path' && line.path === 'direct'));
    await sleep(800);
    const levels = await hear(ann, [kAnn, kNat]);
    const packets = await serverPackets(ann);
    t.diagnostic(`${first} first: Ann hears ${JSON.stringify(levels)}, server packets ${JSON.stringify(packets)}`);
    assert.ok(levels[kNat] > kLoud && levels[kNat] - levels[kAnn] > 25);
    assert.equal(packets.sent, 0);
    await nat.stop();
    assert.ok(toneLevel(output, kAnn, 2) > kLoud, 'Nat does not hear Ann');
    await close(ann);
  }
});

test('a direct path that dies', async (t) => {
  const {ann, ben} = await two();
  await Promise.all([isDirect(ann), isDirect(ben)]);
  await sleep(800);
  const silence = await longestSilence(ben, kAnn, async () => {
    await ann.evaluate(() => window.testPeers.at(-1).close());
    await isOnServer(ben);
  });
  t.diagnostic(`longest silence ${silence.toFixed(0)} ms`);
  assert.ok(silence < 1000, `${silence}`);
  await hears(ben, kAnn);
  await hears(ann, kBen);
  await close(ann, ben);
});

test('mute and personal volume work in a direct call', async () => {
  const {ann, ben} = await two();
  await Promise.all([isDirect(ann), isDirect(ben)]);
  await ben.click('.mute');
  await until('Ben is not heard', async () => (await hear(ann, [kBen], 1200))[kBen] < -60);
  await ben.click('.mute');
  await hears(ann, kBen);
  // Only the server can make one louder for one listener.
  await card(ann, 'Ben').locator('.icon-button').click();
  await card(ann, 'Ben').locator('input[type=range]').fill('-31');
  await isOnServer(ann);
  await until('Ben is not heard', async () => (await hear(ann, [kBen], 1200))[kBen] < -60);
  await hears(ben, kAnn);
  await close(ann, ben);
});

test('a stream needs the server, and everybody is told of it', async (t) => {
  const {ann, ben} = await two();
  await Promise.all([isDirect(ann), isDirect(ben)]);
  let stream;
  const silence = await longestSilence(ann, kBen, async () => {
    stream = (await server.api('POST', `/rooms/${name()}/streams`, {url: 'hls:'})).body;
    await Promise.all([isOnServer(ann), isOnServer(ben)]);
  });
  t.diagnostic(`a stream began: longest silence ${silence.toFixed(0)} ms`);
  assert.ok(silence < 250, `${silence}`);
  const light = '.light:has-text("Live"):not([hidden])';
  for (const page of [ann, ben]) await page.waitForSelector(light);
  await hears(ann, kBen);
  await server.api('DELETE', `/rooms/${name()}/streams/${stream.id}`);
  await ann.waitForSelector(light, {state: 'detached'});
  await Promise.all([isDirect(ann), isDirect(ben)]);
  await close(ann, ben);
});

test('a room that stays on the server', async () => {
  await server.api('POST', '/rooms', {name: name(), direct: 'never'});
  const {ann, ben} = await two();
  await sleep(3000);
  assert.equal(await ann.evaluate(() => window.testPeers.length), 1);
  await hears(ben, kAnn);
  await close(ann, ben);
});

test('somebody who does not want it', async () => {
  const ann = await open(annsBrowser);
  await ann.goto(url());
  await ann.click('summary');
  await ann.locator('label[for=toggle-direct]').click();
  await join(ann, url(), 'Ann');
  const ben = await open(bensBrowser);
  await join(ben, url(), 'Ben');
  await hears(ann, kBen);
  await sleep(2000);
  assert.equal(await ben.evaluate(() => window.testPeers.length), 1);
  await close(ann, ben);
});
