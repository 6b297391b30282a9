// Chromium as these tests start it, and what they hear in it.

import {chromium} from 'playwright-core';

import {until} from './server.mjs';

const kChromium = process.env.PARLEY_CHROMIUM ?? '/usr/bin/chromium';

const kFlags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--allow-loopback-in-peer-connection',
  '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost'];

// wav: what its microphone hears (per browser process); pqc: false sends a ClientHello of one datagram.
export async function launch({wav, pqc = true, args = []} = {}) {
  const features = pqc ? [] : ['--disable-features=WebRtcPqcForDtls'];
  const capture = wav ? [`--use-file-for-fake-audio-capture=${wav}`] : [];
  return chromium.launch({executablePath: kChromium, args: [...kFlags, ...capture, ...features, ...args]});
}

// A page whose peer connections and errors the test can look at. The page itself knows nothing of it.
export async function open(browser, options = {}) {
  const context = await browser.newContext({ignoreHTTPSErrors: true, colorScheme: 'light', ...options});
  await context.grantPermissions(['clipboard-read', 'clipboard-write', 'microphone']).catch(() => {});
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(error.message));
  page.on('console', (line) => {
    // The page asks the API for what this server has; the browser logs each 404.
    const isQuestion = line.location().url.includes('/api/v1/') && line.text().includes('404');
    if (line.type() === 'error' && !isQuestion) page.problems.push(line.text());
  });
  await page.addInitScript(() => {
    const Real = window.RTCPeerConnection;
    window.testPeers = [];
    window.RTCPeerConnection = class extends Real {
      constructor(...args) {
        super(...args);
        window.testPeers.push(this);
      }
    };
  });
  return page;
}

// Through the lobby, by clicking. Processing is off: noise suppression would take a test tone for noise.
export async function join(page, url, name, {pin, plain = true} = {}) {
  await page.addInitScript((plainSound) => {
    if (plainSound && !localStorage.getItem('parley.person'))
      localStorage.setItem('parley.person', JSON.stringify({echo: false, noise: false, gain: false}));
  }, plain);
  await page.goto(url);
  await page.fill('#name', name);
  if (pin) await page.fill('#pin', pin);
  await page.click('button[type=submit]');
  await page.waitForSelector('.room');
  await until(`${name} is live`, () => page.$eval('.room', (room) => room.dataset.state === 'live'));
}

// dB of each frequency in what the page plays, the loudest of `ms`: {440: -20.1, ...}.
export function hear(page, frequencies, ms = 1200) {
  return page.evaluate(async ([wanted, time]) => {
    window.testContext ??= new AudioContext({sampleRate: 48000});
    await window.testContext.resume();
    const analyser = new AnalyserNode(window.testContext, {fftSize: 8192, smoothingTimeConstant: 0});
    // What each element plays, as loud as it plays it.
    const playing = [...document.querySelectorAll('audio')].filter((audio) => audio.srcObject !== null).map((audio) => {
      const gain = new GainNode(window.testContext, {gain: audio.volume});
      const source = window.testContext.createMediaStreamSource(audio.srcObject);
      source.connect(gain).connect(analyser);
      return {audio, gain, source};
    });
    const bins = new Float32Array(analyser.frequencyBinCount);
    const loudest = Object.fromEntries(wanted.map((hz) => [hz, -200]));
    const end = performance.now() + time;
    while (performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 40));
      for (const {audio, gain} of playing) gain.gain.value = audio.volume;
      analyser.getFloatFrequencyData(bins);
      for (const hz of wanted) {
        const middle = Math.round((hz * 8192) / 48000);
        for (let bin = middle - 2; bin <= middle + 2; ++bin) loudest[hz] = Math.max(loudest[hz], bins[bin]);
      }
    }
    for (const {gain, source} of playing) {
      source.disconnect();
      gain.disconnect();
    }
    return loudest;
  }, [frequencies, ms]);
}

export const stats = (page) => page.evaluate(async () => {
  const report = await window.testPeers.filter((peer) => peer.connectionState !== 'closed').at(-1).getStats();
  return [...report.values()].find((entry) => entry.type === 'inbound-rtp');
});

export const card = (page, name) => page.locator('.person', {has: page.locator('.name', {hasText: new RegExp(`^${name}$`)})});
