// Two browsers and a native client in one room, each with a tone of its own: everybody hears the other two and not
// itself, through the page as people use it.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import path from 'node:path';

import {hear, join, launch, open, stats} from './browser.mjs';
import {Server, kOut, sleep, toneFile, toneLevel, until} from './server.mjs';

const kTones = {Ann: 440, Ben: 660, Nat: 880};
const all = Object.values(kTones);

for (const pqc of [true, false]) {
  test(`everybody hears the others${pqc ? '' : ', with a ClientHello of one datagram'}`, async (t) => {
    const server = await Server.start({}, `hearing-${pqc}`);
    const browsers = [];
    t.after(async () => {
      for (const browser of browsers) await browser.close();
      await server.down();
    });
    const pages = {};
    const output = path.join(kOut, `nat-${pqc}.wav`);
    const native = server.native('tones', ['--name', 'Nat', '--input', `tone:${kTones.Nat},amp=0.25`, '--output', output]);
    for (const name of ['Ann', 'Ben']) {
      const browser = await launch({wav: toneFile(kTones[name]), pqc});
      browsers.push(browser);
      pages[name] = await open(browser);
      await join(pages[name], `${server.url}/r/tones`, name);
    }

    for (const [name, page] of Object.entries(pages)) {
      const others = all.filter((hz) => hz !== kTones[name]);
      const levels = await until(`${name} hears the others`, async () => {
        const heard = await hear(page, all);
        return others.every((hz) => heard[hz] > -35) ? heard : null;
      });
      t.diagnostic(`${name} hears ${JSON.stringify(levels)}`);
      for (const hz of others)
        assert.ok(levels[hz] - levels[kTones[name]] > 25, `${name} hears itself: ${JSON.stringify(levels)}`);
    }

    const first = await stats(pages.Ann);
    await sleep(4000);
    const second = await stats(pages.Ann);
    const concealed = (second.concealedSamples - first.concealedSamples) / (second.totalSamplesReceived - first.totalSamplesReceived);
    t.diagnostic(`concealed ${(concealed * 100).toFixed(2)} %, jitter buffer ${(1000 *
      (second.jitterBufferDelay - first.jitterBufferDelay) / (second.jitterBufferEmittedCount - first.jitterBufferEmittedCount)).toFixed(0)} ms`);
    assert.ok(concealed < 0.05, `concealed ${concealed}`);

    // What only the page knows of its way down is among the server's figures.
    await until('both pages tell of their paths', async () => {
      const {body} = await server.api('GET', '/rooms/tones/quality');
      const told = body.participants.filter((who) =>
        ['Ann', 'Ben'].includes(who.name) && who.paths.some(({downlink}) => downlink.target_ms !== undefined));
      return told.length === 2;
    });

    await native.stop();
    const [ann, ben, nat] = all.map((hz) => toneLevel(output, hz, 3));
    t.diagnostic(`Nat hears 440: ${ann.toFixed(1)}, 660: ${ben.toFixed(1)}, own 880: ${nat.toFixed(1)}`);
    assert.ok(ann > -35 && ben > -35 && nat < Math.min(ann, ben) - 25, `${ann} ${ben} ${nat}`);
    for (const page of Object.values(pages)) assert.deepEqual(page.problems, []);
  });
}
