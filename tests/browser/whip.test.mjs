// WHIP by a page of somebody else: RFC 9725 as a bare script speaks it, without Parley's own page.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {launch, open} from './browser.mjs';
import {Server, sleep, toneFile, until} from './server.mjs';

let server;
let browser;
let page;

before(async () => {
  server = await Server.start({http: {listen: '127.0.0.1:0', tls: {certificate: 'self-signed'}}}, 'whip');
  browser = await launch({wav: toneFile(440)});
  page = await open(browser);
  await page.goto(`${server.url}/`);
  await page.evaluate(() => {
    window.whip = async (room, {direction = 'sendrecv', ptime} = {}) => {
      const peer = new RTCPeerConnection();
      const audio = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
      const track = direction === 'recvonly' ? 'audio' : (await navigator.mediaDevices.getUserMedia({audio})).getTracks()[0];
      peer.addTransceiver(track, {direction});
      await peer.setLocalDescription();
      const answer = await fetch(`/whip/${room}`, {method: 'POST', headers: {'Content-Type': 'application/sdp'}, body: peer.localDescription.sdp});
      const session = {peer, status: answer.status, location: answer.headers.get('Location'), tag: answer.headers.get('ETag')};
      let sdp = await answer.text();
      if (ptime) sdp = sdp.replace(/(a=rtpmap:\d+ opus.*\r\n)/, `$1a=ptime:${ptime}\r\na=maxptime:${ptime}\r\n`);
      await peer.setRemoteDescription({type: 'answer', sdp});
      session.sdp = sdp;
      (window.sessions ??= {})[room] = session;
      return {status: session.status, location: session.location, tag: session.tag};
    };
    window.connected = (room) => window.sessions[room].peer.connectionState === 'connected';
  });
});
after(async () => {
  await browser?.close();
  await server?.down();
});

const roster = async (room) => (await server.api('GET', `/rooms/${room}/participants`)).body.participants;
const uplink = async (room) => (await server.api('GET', `/rooms/${room}/quality`)).body.participants[0].uplink.packets;

test('join, trickle, restart ICE, leave; over HTTPS', async () => {
  assert.match(server.url, /^https:/);
  const session = await page.evaluate(() => window.whip('bare'));
  assert.equal(session.status, 201);
  assert.match(session.location, /^\/whip\/bare\//);
  await until('connected', () => page.evaluate(() => window.connected('bare')));
  const before = await until('packets arrive', () => uplink('bare'));

  const answers = await page.evaluate(async () => {
    const {peer, location, tag, sdp} = window.sessions.bare;
    const patch = (match, body) => fetch(location, {method: 'PATCH', body, headers: {'Content-Type': 'application/trickle-ice-sdpfrag', ...(match && {'If-Match': match})}});
    const credentials = (text) => text.match(/^a=ice-(ufrag|pwd):.*$/gm).join('\r\n');
    const candidate = 'a=mid:0\r\na=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host\r\n';
    const trickled = await patch(tag, `${credentials(peer.localDescription.sdp)}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n${candidate}`);
    const without = await patch(null, candidate);
    const wrong = await patch('"other"', candidate);
    await peer.setLocalDescription(await peer.createOffer({iceRestart: true}));
    const restarted = await patch('*', `${credentials(peer.localDescription.sdp)}\r\n`);
    const fragment = await restarted.text();
    const value = (name) => new RegExp(`a=ice-${name}:(.*)`).exec(fragment)[1].trim();
    const renewed = sdp.replace(/a=ice-ufrag:.*/g, `a=ice-ufrag:${value('ufrag')}`).replace(/a=ice-pwd:.*/g, `a=ice-pwd:${value('pwd')}`);
    await peer.setRemoteDescription({type: 'answer', sdp: renewed});
    return {statuses: [trickled.status, without.status, wrong.status, restarted.status], tag: restarted.headers.get('ETag'), old: tag};
  });
  assert.deepEqual(answers.statuses, [204, 428, 412, 200]);
  assert.notEqual(answers.tag, answers.old);
  await sleep(1500);
  assert.ok(await page.evaluate(() => window.connected('bare')));
  assert.ok((await uplink('bare')) > before + 30, 'sound goes on after the restart');

  assert.equal(await page.evaluate(async () => (await fetch(window.sessions.bare.location, {method: 'DELETE'})).status), 200);
  await until('gone', async () => (await roster('bare') ?? []).length === 0);
  assert.equal(await page.evaluate(async () => (await fetch(window.sessions.bare.location, {method: 'DELETE'})).status), 404);
});

test('packets of 10, 40 and 60 ms', async () => {
  for (const ptime of [10, 40, 60]) {
    const room = `ptime-${ptime}`;
    await page.evaluate(([name, time]) => window.whip(name, {ptime: time}), [room, ptime]);
    await until('connected', () => page.evaluate((name) => window.connected(name), room));
    const first = await until('packets', () => uplink(room));
    await sleep(3000);
    const rate = ((await uplink(room)) - first) / 3;
    assert.ok(rate > 250 / ptime && rate < 1900 / ptime, `${ptime} ms: ${rate} packets a second`);
    await page.evaluate(async (name) => {
      await fetch(window.sessions[name].location, {method: 'DELETE'});
      window.sessions[name].peer.close();
    }, room);
  }
});

test('a recvonly offer listens only', async () => {
  await page.evaluate(() => window.whip('listener', {direction: 'recvonly'}));
  await until('connected', () => page.evaluate(() => window.connected('listener')));
  const [who] = await roster('listener');
  assert.deepEqual([who.sends, who.receives], [false, true]);
});

test('a studio sends sound and picture, bundled; a player only listens', async () => {
  const answer = await page.evaluate(async () => {
    const peer = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
    const audio = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
    peer.addTransceiver((await navigator.mediaDevices.getUserMedia({audio})).getTracks()[0], {direction: 'sendonly'});
    const video = peer.addTransceiver('video', {direction: 'sendonly'});
    await peer.setLocalDescription();
    const posted = await fetch('/whip/studio', {method: 'POST', headers: {'Content-Type': 'application/sdp'}, body: peer.localDescription.sdp});
    const sdp = await posted.text();
    await peer.setRemoteDescription({type: 'answer', sdp});
    (window.sessions ??= {}).studio = {peer};
    return {status: posted.status, sdp, direction: video.currentDirection};
  });
  assert.equal(answer.status, 201);
  assert.match(answer.sdp, /m=video 0 /);
  assert.match(answer.sdp, /a=group:BUNDLE 0\r\n/);
  assert.equal(answer.direction, 'stopped');
  await until('connected', () => page.evaluate(() => window.connected('studio')));
  await until('packets arrive', () => uplink('studio'));
  const [who] = await roster('studio');
  assert.deepEqual([who.sends, who.receives], [true, false]);

  await page.evaluate(() => {
    window.sessions.sender = window.sessions.studio;
    return window.whip('studio', {direction: 'recvonly'});
  });
  await until('connected', () => page.evaluate(() => window.connected('studio')));
  await until('the player hears the studio', () => page.evaluate(async () => {
    for (const report of (await window.sessions.studio.peer.getStats()).values())
      if (report.type === 'inbound-rtp' && report.packetsReceived > 50 && report.bytesReceived > 40 * report.packetsReceived) return true;  // no silence
    return false;
  }));
});

test('a page that vanishes is gone after the time-out', async (t) => {
  const ghost = await open(browser);
  await ghost.goto(`${server.url}/`);
  await ghost.evaluate(async () => {
    const peer = (window.peer = new RTCPeerConnection());
    peer.addTransceiver('audio', {direction: 'recvonly'});
    await peer.setLocalDescription();
    const answer = await fetch('/whip/ghost', {method: 'POST', headers: {'Content-Type': 'application/sdp'}, body: peer.localDescription.sdp});
    await peer.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  });
  await until('connected', () => ghost.evaluate(() => window.peer.connectionState === 'connected'));
  const begin = Date.now();
  await ghost.context().close();
  await until('gone', async () => (await roster('ghost') ?? []).length === 0, 15_000);
  t.diagnostic(`gone after ${Date.now() - begin} ms`);
});
