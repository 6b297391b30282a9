// The way of one call of two between the server's leg and the direct one, as docs/protocol.md has it ("Direct calls"):
//
//   checking -> connected (DTLS is done) -> ready (the peer was heard) -> active (the peer is ready, too)
//   any of them -> fading (both paths once more) -> off
//
// Nothing of the browser in here: times, in milliseconds, are passed in. What is to be told to the peer comes by `tell`.

const kConnectLimit = 10_000;
const kOverlap = 200;    // going direct: the peer is fading over
const kFadeBack = 500;   // coming back
// A browser sends something every 20 ms, a native client's keep-alives come every 100 ms; what came is looked at every 50.
const kMissed = 200;
const kDead = 350;
const kHedge = 1000;

export class DirectPath {
  state = 'off';
  #since = 0;
  #heardAt = 0;
  #peerReady = false;
  #quietAt = Infinity;     // from when on the peer needs nothing of us by the server
  #hedgedUntil = 0;        // the server's path is used, too
  #missing = false;

  // tell(state, reason): to the peer; state is ready, active, trouble or failed.
  constructor(tell) {
    this.tell = tell;
  }

  start(at) {
    this.state = 'checking';
    this.#since = at;
  }
  connected(at) {
    if (this.state !== 'checking') return;
    this.state = 'connected';
    this.#since = at;
  }
  // Something came over the direct path.
  heard(at) {
    this.#heardAt = at;
    this.#missing = false;
    if (this.state !== 'connected') return;
    this.state = 'ready';
    this.tell('ready');
    this.#advance(at);
  }
  peerIs(at, state) {
    if (this.state === 'off' || this.state === 'fading') return;
    if (state === 'trouble') this.#hedgedUntil = at + kHedge;
    if (state === 'ready' || state === 'active') this.#peerReady = true;
    if (state === 'active') this.#quietAt = Math.min(this.#quietAt, at + kOverlap);
    this.#advance(at);
  }
  #advance(at) {
    if (this.state !== 'ready' || !this.#peerReady) return;
    this.state = 'active';
    this.#since = at;
    this.#heardAt = at;
    this.tell('active');
  }

  stop(at) {
    if (this.state === 'off' || this.state === 'fading') return;
    this.state = this.state === 'checking' ? 'off' : 'fading';
    this.#since = at;
  }
  broken(at, reason) {
    if (this.state === 'off' || this.state === 'fading') return;
    this.stop(at);
    this.tell('failed', reason);
  }

  step(at) {
    if (this.state === 'fading') {
      if (at - this.#since >= kFadeBack) this.state = 'off';
    } else if (this.state === 'active') {
      const silence = at - this.#heardAt;
      if (silence >= kDead) return this.broken(at, 'silence');
      if (silence >= kMissed) {
        if (!this.#missing) this.tell('trouble');
        this.#missing = true;
        this.#hedgedUntil = at + kHedge;
      }
    } else if (this.state !== 'off' && at - this.#since >= kConnectLimit) {
      this.broken(at, 'no-path');
    }
  }

  get listens() {
    return this.state === 'active' && !this.#missing;
  }
  // Whether the server needs our sound at this time.
  needsServer(at) {
    return this.state !== 'active' || at < this.#quietAt || at < this.#hedgedUntil;
  }
}
