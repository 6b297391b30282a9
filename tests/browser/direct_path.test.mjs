// The states of a direct call, without a browser: times are made up.

import assert from 'node:assert/strict';
import {test} from 'node:test';

import {candidatesOf, parseAddress, peerSdp} from '../../client/web/direct.js';
import {DirectPath} from '../../client/web/direct_path.js';

function path() {
  const told = [];
  const made = new DirectPath((state, reason) => told.push(reason ? `${state}: ${reason}` : state));
  made.start(0);
  return {made, told};
}
function active() {
  const {made, told} = path();
  made.connected(100);
  made.heard(120);
  made.peerIs(140, 'active');
  told.length = 0;
  return {made, told};
}

test('both are ready before either leaves the server', () => {
  const {made, told} = path();
  made.connected(100);
  assert.equal(made.listens, false);
  made.heard(120);
  assert.deepEqual(told, ['ready']);
  assert.equal(made.listens, false, 'the peer has not said that it hears us');
  made.peerIs(150, 'ready');
  assert.deepEqual(told, ['ready', 'active']);
  assert.equal(made.listens, true);
  made.peerIs(180, 'active');
  assert.equal(made.needsServer(379), true, 'the peer is fading over');
  assert.equal(made.needsServer(380), false);
});

test('what is missed is said, and the server is used meanwhile', () => {
  const {made, told} = active();
  made.heard(1000);
  made.step(1199);
  assert.deepEqual(told, []);
  made.step(1200);
  made.step(1250);
  assert.deepEqual(told, ['trouble'], 'once');
  assert.equal(made.listens, false);
  assert.equal(made.needsServer(1250), true);
  made.heard(1260);
  assert.equal(made.listens, true);
  assert.equal(made.needsServer(2240), true);
  made.heard(2240);
  assert.equal(made.needsServer(2250), false);
});

test('a dead path is given up, and both paths are used once more', () => {
  const {made, told} = active();
  made.heard(1000);
  made.step(1350);
  assert.deepEqual(told, ['failed: silence']);
  assert.equal(made.state, 'fading');
  assert.equal(made.needsServer(1351), true);
  made.step(1849);
  assert.equal(made.state, 'fading');
  made.step(1850);
  assert.equal(made.state, 'off');
});

test('a peer in trouble is helped at once', () => {
  const {made} = active();
  made.heard(2000);
  assert.equal(made.needsServer(2000), false);
  made.peerIs(2010, 'trouble');
  assert.equal(made.needsServer(2020), true);
  assert.equal(made.listens, true, 'we hear it well');
});

test('no path within ten seconds', () => {
  const {made, told} = path();
  made.step(9999);
  assert.deepEqual(told, []);
  made.step(10_000);
  assert.deepEqual(told, ['failed: no-path']);
  assert.equal(made.state, 'off');
});

test('addresses', () => {
  assert.deepEqual(parseAddress('192.0.2.1:5004'), {ip: '192.0.2.1', port: 5004});
  assert.deepEqual(parseAddress('[2001:db8::1]:5004'), {ip: '2001:db8::1', port: 5004});
  for (const bad of ['', '192.0.2.1', '192.0.2.1:0', '192.0.2.1:70000', 'a.example:5', '1.2.3.4:5 typ host\r\na=x', '2001:db8::1:5'])
    assert.equal(parseAddress(bad), null, bad);
});

test('candidates that a peer can use', () => {
  const sdp = ['a=candidate:1 1 udp 2113937151 3f2a.local 40000 typ host', 'a=candidate:2 1 udp 2113937151 192.0.2.7 40001 typ host',
    'a=candidate:3 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active', 'a=candidate:4 1 udp 1677729535 198.51.100.4 40001 typ srflx raddr 0.0.0.0 rport 0',
    'a=candidate:5 1 udp 2113937151 2001:db8::7 40002 typ host', ''].join('\r\n');
  assert.deepEqual(candidatesOf(sdp), ['192.0.2.7:40001', '198.51.100.4:40001', '[2001:db8::7]:40002']);
});

test('terms with a line break are refused', () => {
  const good = {ufrag: 'abcd', pwd: 'a'.repeat(24), fingerprint: 'sha-256 AB:CD'};
  assert.match(peerSdp(good, 'active'), /a=setup:active\r\n/);
  for (const key of Object.keys(good))
    assert.throws(() => peerSdp({...good, [key]: `${good[key]}\r\na=x`}, 'active'), /unusable/, key);
});
