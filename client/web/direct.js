// A call of two straight from this browser to the peer, beside the leg to the server: the RTCPeerConnection, and what is
// said about it by signalling (docs/protocol.md, "Direct calls"). The peer may be a browser or a native client: what they
// exchange is no SDP, so the half that this browser asks for is written here.
//
// Events: 'path' when `listens` or `isActive` changes.

import {DirectPath} from './direct_path.js';

const kStep = 50;          // ms
const kGathering = 400;    // ms that are given to the STUN server
const kMaxCandidates = 20;
const kOpus = 111;         // the payload type of direct calls
const kLevels = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';  // RFC 6464, as extension 1
const kWord = /^[\x21-\x7e]{1,256}$/;

const attribute = (sdp, name) => new RegExp(`^a=${name}:(.+?)\\r?$`, 'm').exec(sdp)?.[1] ?? '';
const isLoopback = (ip) => ip.startsWith('127.') || ip === '::1';
const pageIsLocal = () => ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);

// "192.0.2.1:5004", "[2001:db8::1]:5004"
export function parseAddress(text) {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text);
  if (match === null || Number(match[3]) < 1 || Number(match[3]) > 65535) return null;
  return {ip: match[1] ?? match[2], port: Number(match[3])};
}
const addressText = (ip, port) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

// Of an SDP with candidates: the addresses that a peer can use; mDNS names and TCP are of no use to it.
export function candidatesOf(sdp) {
  const found = new Set();
  for (const [, ip, port] of sdp.matchAll(/^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ /gim)) {
    const text = addressText(ip, port);
    if (parseAddress(text) !== null) found.add(text);
  }
  return [...found].slice(0, kMaxCandidates);
}

const candidateLine = (address, index) =>
  `candidate:${index + 1} 1 udp ${2130706431 - (index << 8)} ${address.ip} ${address.port} typ host`;

// What the peer would have written. setup: its role in DTLS; levels: whether extension 1 can be had.
export function peerSdp({ufrag, pwd, fingerprint}, setup, levels = true) {
  const [hash, digest] = fingerprint.split(' ');
  if (![ufrag, pwd, hash, digest].every((word) => kWord.test(word ?? ''))) throw new Error('the peer’s terms are unusable');
  return ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=group:BUNDLE 0', `m=audio 9 UDP/TLS/RTP/SAVPF ${kOpus}`,
    'c=IN IP4 0.0.0.0', 'a=rtcp-mux', 'a=mid:0', 'a=sendrecv', `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`,
    `a=fingerprint:${hash} ${digest}`, `a=setup:${setup}`, `a=rtpmap:${kOpus} opus/48000/2`,
    `a=fmtp:${kOpus} minptime=10;useinbandfec=1`, ...(levels ? [`a=extmap:1 ${kLevels}`] : []), ''].join('\r\n');
}

// Can this browser take part? The peer knows Opus by one payload type only.
export const canGoDirect = (offer) => new RegExp(`^a=rtpmap:${kOpus} opus/48000/2`, 'im').test(offer);

export class Direct extends EventTarget {
  #call;
  #pc = null;
  #id = '';
  #isControlling = false;
  #sender = null;
  #receiver = null;
  #path = null;
  #timer = 0;
  #waiting = [];          // candidates that came before the peer's terms
  #candidates = 0;
  #counted = -1;
  #offered = null;        // a promise: our own half is there
  #listens = false;
  #isActive = false;
  peer = null;            // its participant id, while a direct call is tried or on

  constructor(call) {
    super();
    this.#call = call;
  }

  get id() {
    return this.#id;
  }
  get listens() {
    return this.#listens;
  }
  get isActive() {
    return this.#isActive;
  }
  get stream() {
    return this.#receiver === null ? null : new MediaStream([this.#receiver.track]);
  }
  stats() {
    return this.#pc.getStats();
  }
  // dBov of the peer's sound as it is played; null when nothing is.
  level() {
    const source = this.#receiver?.getSynchronizationSources()[0];
    const isFresh = source !== undefined && performance.timeOrigin + performance.now() - source.timestamp < 300;
    return isFresh && source.audioLevel > 0 ? -20 * Math.log10(source.audioLevel) : null;
  }

  take(event) {
    // Without a peer connection the call stays on the server; the peer's attempt ends by itself.
    if (event.type === 'direct-start') this.#start(event).catch(() => this.close());
    if (event.call !== this.#id || this.#pc === null) return;
    const at = performance.now();
    if (event.type === 'direct-peer') this.#meet(event);
    if (event.type === 'direct-address') this.#addCandidate(event.address);
    if (event.type === 'direct-peer-state') this.#path.peerIs(at, event.state);
    if (event.type === 'direct-stop') this.#path.stop(at);
    this.#settle();
  }

  async setTrack(track) {
    await this.#sender?.replaceTrack(track);
  }

  // --- Finding each other

  async #start({call, peer, controlling}) {
    this.close();
    const {media} = this.#call;
    if (media?.track == null) return;
    this.#id = call;
    this.peer = peer;
    this.#isControlling = controlling;
    // The server's media port answers plain Binding requests: it tells how the outside sees us.
    const pc = new RTCPeerConnection({bundlePolicy: 'max-bundle',
      iceServers: media.address === null ? [] : [{urls: `stun:${media.address}`}]});
    this.#pc = pc;
    this.#path = new DirectPath((state, reason) =>
      this.#call.request('direct-state', {call, state, reason}).catch(() => {}));
    this.#path.start(performance.now());
    pc.onconnectionstatechange = () => {
      if (pc.connectionState === 'connected') this.#path.connected(performance.now());
      if (pc.connectionState === 'failed') this.#path.broken(performance.now(), 'no-path');
      this.#settle();
    };
    this.#timer = setInterval(() => this.#step(), kStep);
    if (!controlling) return;  // the peer describes itself first
    this.#use(pc.addTransceiver(media.track, {direction: 'sendrecv'}));
    this.#offered = pc.setLocalDescription();
    await this.#offered;
    await this.#describe(pc);
  }

  #use(transceiver) {
    this.#sender = transceiver.sender;
    this.#receiver = transceiver.receiver;
  }

  async #meet(terms) {
    const pc = this.#pc;
    if (pc.remoteDescription !== null) return;
    try {
      if (this.#isControlling) {
        await this.#offered;  // the peer may be faster than we
        const levels = pc.localDescription.sdp.includes(`a=extmap:1 ${kLevels}`);
        await pc.setRemoteDescription({type: 'answer', sdp: peerSdp(terms, 'passive', levels)});
      } else {
        await pc.setRemoteDescription({type: 'offer', sdp: peerSdp(terms, 'active')});
        const [transceiver] = pc.getTransceivers();
        transceiver.direction = 'sendrecv';
        await transceiver.sender.replaceTrack(this.#call.media.track);
        this.#use(transceiver);
        await pc.setLocalDescription();
      }
      for (const address of [...terms.candidates, ...this.#waiting]) this.#addCandidate(address);
      if (!this.#isControlling) await this.#describe(pc);
    } catch {
      if (this.#pc !== pc) return;
      this.#path.broken(performance.now(), 'no-path');
      this.#settle();
    }
  }

  async #describe(pc) {
    await new Promise((resolve) => {
      const done = () => pc.iceGatheringState === 'complete' && resolve();
      pc.addEventListener('icegatheringstatechange', done);
      setTimeout(resolve, kGathering);
      done();
    });
    if (this.#pc !== pc) return;
    const {sdp} = pc.localDescription;
    await this.#call.request('direct-offer', {call: this.#id, ufrag: attribute(sdp, 'ice-ufrag'),
      pwd: attribute(sdp, 'ice-pwd'), fingerprint: attribute(sdp, 'fingerprint'), candidates: candidatesOf(sdp)})
      .catch(() => {});  // the call has ended meanwhile
  }

  // The peer may be hostile: no more than a few addresses are tried, and our own host is none of them unless the server
  // is on it.
  #addCandidate(text) {
    const address = parseAddress(text);
    if (address === null || (isLoopback(address.ip) && !pageIsLocal())) return;
    if (this.#pc.remoteDescription === null) {
      if (this.#waiting.length < kMaxCandidates) this.#waiting.push(text);
      return;
    }
    if (this.#candidates >= 2 * kMaxCandidates) return;
    const candidate = candidateLine(address, this.#candidates++);
    this.#pc.addIceCandidate({candidate, sdpMid: '0'}).catch(() => {});
  }

  // --- Going over to it and back

  async #step() {
    const at = performance.now();
    const pc = this.#pc;
    if (['connected', 'ready', 'active'].includes(this.#path.state)) {
      const counted = await this.#count(pc);
      if (this.#pc !== pc) return;
      if (counted > this.#counted && this.#counted >= 0) this.#path.heard(at);
      this.#counted = Math.max(counted, 0);
    }
    this.#path.step(at);
    this.#settle();
  }

  // Packets and checks that came in.
  async #count(pc) {
    let sum = 0;
    (await pc.getStats()).forEach((entry) => {
      if (entry.type === 'inbound-rtp') sum += entry.packetsReceived ?? 0;
      if (entry.type === 'candidate-pair') sum += (entry.requestsReceived ?? 0) + (entry.responsesReceived ?? 0);
    });
    return sum;
  }

  #settle() {
    if (this.#path === null) return;
    const {listens, state} = this.#path;
    this.#call.media?.hold(!this.#path.needsServer(performance.now()));
    if (listens !== this.#listens || (state === 'active') !== this.#isActive) {
      this.#listens = listens;
      this.#isActive = state === 'active';
      this.dispatchEvent(new CustomEvent('path'));
    }
    if (state === 'off') this.close();
  }

  // The server leg is another one now, or the call is over.
  close() {
    clearInterval(this.#timer);
    if (this.#pc !== null) {
      this.#pc.onconnectionstatechange = null;
      this.#pc.close();
    }
    const wasActive = this.#isActive;
    [this.#pc, this.#path, this.#sender, this.#receiver, this.peer] = [null, null, null, null, null];
    [this.#id, this.#waiting, this.#candidates, this.#counted] = ['', [], 0, -1];
    this.#listens = false;
    this.#isActive = false;
    this.#call.media?.hold(false);
    if (wasActive) this.dispatchEvent(new CustomEvent('path'));
  }
}
