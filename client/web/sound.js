// What is heard: the server's mix or, in a direct call, the peer. Each path has an audio element of its own that plays all
// the time; changing over is a short fade between the two, and back to the server's path only when it has sound again.

import {el} from './dom.js';

const kFade = 60;         // ms
const kStep = 10;
const kPatience = 400;    // for the server's path to begin

export class Sound {
  #call;
  #server = el('audio', {autoplay: true});
  #direct = el('audio', {autoplay: true, class: 'direct'});
  #share = 0;             // of the direct path, 0 to 1
  #timer = 0;
  #since = 0;
  view = el('div', {hidden: true}, this.#server, this.#direct);

  constructor(call) {
    this.#call = call;
    this.#show();
  }

  // Throws NotAllowedError when the browser wants a click first.
  async play(stream) {
    if (stream !== undefined) this.#server.srcObject = stream;
    await this.#server.play();
  }

  // The direct path has changed: there is one now, it is listened to, or no longer.
  follow() {
    const {direct} = this.#call;
    if (direct.isActive && this.#direct.srcObject === null) {
      this.#direct.srcObject = direct.stream;
      this.#direct.play().catch(() => {});  // the page has played sound before
    }
    this.#since = performance.now();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#step(), kStep);
  }

  #step() {
    const {direct, media} = this.#call;
    const wanted = direct.listens ? 1 : 0;
    const mayGoBack = media?.isFlowing || performance.now() - this.#since > kPatience;
    if (wanted === 0 && this.#share === 1 && !mayGoBack) return;
    const change = kStep / kFade;
    this.#share = wanted === 1 ? Math.min(this.#share + change, 1) : Math.max(this.#share - change, 0);
    this.#show();
    if (this.#share !== wanted) return;
    clearInterval(this.#timer);
    if (!direct.isActive) this.#direct.srcObject = null;
  }

  // The two carry the same voice at slightly different times: their levels, not their powers, add up to one.
  #show() {
    this.#server.volume = 1 - this.#share;
    this.#direct.volume = this.#share;
  }

  destroy() {
    clearInterval(this.#timer);
    this.#server.srcObject = null;
    this.#direct.srcObject = null;
  }
}
