// One leg: an RTCPeerConnection with one audio stream in each direction, to the server's one UDP port.

const attribute = (sdp, name) => new RegExp(`^a=${name}:(.+?)\\r?$`, 'm').exec(sdp)?.[1] ?? '';
const replaced = (sdp, name, value) => sdp.replace(new RegExp(`^a=${name}:.*$`, 'gm'), `a=${name}:${value}`);

export class Media extends EventTarget {
  #pc;
  #sender = null;
  #receiver;
  #held = false;
  track;
  address = null;  // "host:port" of the server's media port, once it has answered

  // `track`: the microphone's, or null: only listening.
  constructor(track) {
    super();
    this.track = track;
    this.#pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
    const direction = track === null ? 'recvonly' : 'sendrecv';
    const transceiver = this.#pc.addTransceiver(track ?? 'audio', {direction});
    if (track !== null) this.#sender = transceiver.sender;
    this.#receiver = transceiver.receiver;
    this.#pc.onconnectionstatechange = () =>
      this.dispatchEvent(new CustomEvent('state', {detail: this.#pc.connectionState}));
  }

  get stream() {
    return new MediaStream([this.#receiver.track]);
  }
  get state() {
    return this.#pc.connectionState;
  }
  get sends() {
    return this.#sender !== null;
  }

  // The server is an ICE-lite agent: it needs no candidates of ours, so the offer goes out at once.
  async offer() {
    await this.#pc.setLocalDescription();
    return this.#pc.localDescription.sdp;
  }
  async accept(sdp) {
    await this.#pc.setRemoteDescription({type: 'answer', sdp});
    const [, ip, port] = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) /im.exec(sdp) ?? [];
    if (ip !== undefined) this.address = ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
  }

  // RFC 8445 section 9. `exchange` gives the server our new credentials and returns its own.
  async restartIce(exchange) {
    const answer = this.#pc.remoteDescription.sdp;
    await this.#pc.setLocalDescription(await this.#pc.createOffer({iceRestart: true}));
    const mine = this.#pc.localDescription.sdp;
    const theirs = await exchange({ufrag: attribute(mine, 'ice-ufrag'), pwd: attribute(mine, 'ice-pwd')});
    await this.accept(replaced(replaced(answer, 'ice-ufrag', theirs.ufrag), 'ice-pwd', theirs.pwd));
  }

  async setTrack(track) {
    this.track = track;
    if (!this.#held) await this.#sender?.replaceTrack(track);
  }
  // Held: nothing is sent, while a direct call carries the sound. The leg stays up.
  async hold(held) {
    if (this.#held === held || this.#pc.signalingState === 'closed') return;
    this.#held = held;
    await this.#sender?.replaceTrack(held ? null : this.track);
  }
  // Sound has come in just now.
  get isFlowing() {
    const source = this.#receiver.getSynchronizationSources()[0];
    return source !== undefined && performance.timeOrigin + performance.now() - source.timestamp < 60;
  }

  // CSRCs (RFC 3550) of who has been in the mix within the last `ms`.
  contributors(ms = 300) {
    const since = performance.timeOrigin + performance.now() - ms;
    return this.#receiver.getContributingSources().filter((s) => s.timestamp >= since).map((s) => s.source);
  }
  stats() {
    return this.#pc.getStats();
  }
  close() {
    this.#pc.onconnectionstatechange = null;
    this.#pc.close();
  }
}
