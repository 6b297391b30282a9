// One participant's presence in a room: signalling and media together, and how they come back when the network, the
// server or the machine went away for a while.
//
// Events: 'state' (connecting, live, reconnecting, ended), 'roster' (who is in, or somebody changed), 'levels', 'room',
// 'chat', 'uplink', 'stream' (a new MediaStream to play), 'path' (to the server or direct), 'ended' {reason, message}.

import {Direct, canGoDirect} from './direct.js';
import {Media} from './media.js';
import {Refused, Signal} from './signal.js';

const kFirstPause = 250;
const kLongestPause = 8000;
const kGiveUpAfter = 10 * 60 * 1000;
const kMediaTime = 8000;       // for a new leg to connect
const kDisconnectedTime = 700;  // before a leg that is silent is helped
const kProbeTime = 2000;        // for an answer to `ping`
// Refusals that another attempt will not change.
const kFinal = new Set(['forbidden', 'wrong-pin', 'bad-token', 'locked', 'bad-value', 'not-acceptable', 'bad-sdp']);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Call extends EventTarget {
  #wish;
  #track;
  #signal = null;
  #media = null;
  #resume;
  #state = 'connecting';
  #muted = false;
  #healing = false;
  #lateTimer = 0;
  #listeners = [];

  people = new Map();  // id -> participant (docs/protocol.md)
  direct = new Direct(this);
  self = null;         // own id
  role = 'participant';
  locked = false;
  recording = false;
  streaming = false;   // to listeners outside the room
  hand = false;
  isBlocked = false;  // signalling stands, but no media gets through

  // wish: {room, name, pin?, token?, consent, direct, resume?}; track: the microphone's, or null
  constructor(wish, track) {
    super();
    this.#wish = wish;
    this.#track = track;
    this.#resume = wish.resume;
    this.direct.addEventListener('path', () => this.#announce('path'));
  }

  get state() {
    return this.#state;
  }
  get room() {
    return this.#wish.room;
  }
  get token() {
    return this.#wish.token ?? '';
  }
  get resume() {
    return this.#resume;
  }
  get muted() {
    return this.#muted;
  }
  get isModerator() {
    return this.role === 'moderator';
  }
  get me() {
    return this.people.get(this.self);
  }
  get media() {
    return this.#media;
  }

  // Throws what the first attempt is refused with.
  async join() {
    await this.#connect();
    const wake = () => this.#check();
    this.#listen(window, 'online', wake);
    this.#listen(window, 'pageshow', wake);
    this.#listen(document, 'resume', wake);
    this.#listen(document, 'visibilitychange', () => document.visibilityState === 'visible' && wake());
    if (navigator.connection) this.#listen(navigator.connection, 'change', wake);
  }

  #listen(target, type, handler) {
    target.addEventListener(type, handler);
    this.#listeners.push(() => target.removeEventListener(type, handler));
  }

  // --- Connecting

  async #connect() {
    const opening = Signal.open();
    const media = new Media(this.#track);
    let signal;
    try {
      const [opened, sdp] = await Promise.all([opening, media.offer()]);
      signal = opened;
      await this.#joinOver(signal, media, sdp);
    } catch (error) {
      media.close();
      opening.then((late) => late.close(), () => {});
      throw error;
    }
  }

  async #joinOver(signal, media, sdp) {
    // Events may follow the answer at once: they wait until the roster is here.
    const early = [];
    const keep = ({detail}) => early.push(detail);
    signal.addEventListener('event', keep);
    const {room, name, pin, token, consent, direct} = this.#wish;
    const joined = await signal.request('join', {
      room, name, pin, token, consent, sdp, resume: this.#resume, applies_gain: false,
      direct: direct && this.#track !== null && canGoDirect(sdp),
    });
    await media.accept(joined.sdp);
    // From here on this connection speaks for us; the old one is told `replaced`, which is nothing to us.
    const old = this.#signal;
    this.#signal = signal;
    signal.removeEventListener('event', keep);
    signal.addEventListener('event', ({detail}) => this.#signal === signal && this.#take(detail));
    signal.addEventListener('lost', () => this.#signal === signal && this.#heal());
    old?.close();
    this.#adopt(joined, media);
    for (const event of early) this.#take(event);
    if (this.#muted) signal.request('mute-self', {muted: true}).catch(() => {});
    if (this.hand) signal.request('raise-hand', {raised: true}).catch(() => {});
  }

  #adopt(joined, media) {
    this.self = joined.participant;
    this.role = joined.role;
    this.#resume = joined.resume;
    this.locked = joined.locked;
    this.recording = joined.recording;
    this.streaming = joined.streaming;
    this.people = new Map(joined.roster.map((who) => [who.id, who]));
    this.direct.close();
    this.#media?.close();
    this.#media = media;
    media.addEventListener('state', ({detail}) => this.#media === media && this.#mediaState(detail));
    this.#announce('stream', media.stream);
    this.#announce('roster');
    this.#announce('room');
    this.#setState(media.state === 'connected' ? 'live' : this.#state);
    this.#expectMedia(media);
  }

  // A leg that never connects is tried again; one that did connect is helped by #mediaState.
  #expectMedia(media) {
    setTimeout(() => {
      const waiting = ['new', 'connecting'].includes(media.state);
      if (this.#media !== media || !waiting || this.#state === 'ended') return;
      this.isBlocked = true;
      this.#announce('state', this.#state);
      this.#rejoin();
    }, kMediaTime);
  }

  // --- Healing

  #mediaState(state) {
    clearTimeout(this.#lateTimer);
    if (state === 'connected') {
      this.isBlocked = false;
      this.#setState('live');
    }
    if (state === 'disconnected') this.#lateTimer = setTimeout(() => this.#restart(), kDisconnectedTime);
    if (state === 'failed') this.#rejoin();
  }

  // The network may have changed, or this machine may have slept: is everything still there?
  async #check() {
    if (this.#state === 'ended' || this.#healing) return;
    const signal = this.#signal;
    try {
      await signal.request('ping', {}, kProbeTime);
    } catch {
      if (this.#signal === signal) this.#heal();
      return;
    }
    if (this.#media.state === 'closed') await this.#rejoin();
    else if (this.#media.state !== 'connected') await this.#restart();
  }

  // The path changed under a living connection: the same leg from a new address.
  async #restart() {
    if (this.#state === 'ended' || this.#healing || !this.#signal.isOpen) return;
    this.#setState('reconnecting');
    try {
      await this.#media.restartIce((mine) => this.#signal.request('ice-restart', mine));
    } catch {
      await this.#rejoin();
    }
  }

  // The leg is beyond help: a new one for the same participant.
  async #rejoin() {
    if (this.#state === 'ended') return;
    this.#setState('reconnecting');
    await this.#heal();
  }

  // Until the room is reached again, by growing pauses with jitter so that a restarted server is not stormed.
  async #heal() {
    if (this.#healing || this.#state === 'ended') return;
    this.#healing = true;
    this.#setState('reconnecting');
    const deadline = performance.now() + kGiveUpAfter;
    for (let wait = 0; this.#state !== 'ended'; wait = Math.min(Math.max(wait * 1.6, kFirstPause), kLongestPause)) {
      await pause(wait * (0.7 + 0.6 * Math.random()));
      if (this.#state === 'ended') break;
      try {
        await this.#connect();
        break;
      } catch (error) {
        if (kFinal.has(error.code) || performance.now() > deadline) {
          this.#end(error.code ?? 'failed', error.message);
          break;
        }
      }
    }
    this.#healing = false;
    if (this.#state === 'ended') this.#signal?.close();
  }

  // --- What the server tells

  #take(event) {
    const handlers = {
      'participant-joined': () => this.#put(event.participant),
      'participant-updated': () => this.#put(event.participant),
      'participant-left': () => {
        const who = this.people.get(event.participant);
        this.people.delete(event.participant);
        this.#announce('roster', {left: who, reason: event.reason});
      },
      talking: () => {
        const who = this.people.get(event.participant);
        if (who === undefined) return;
        who.talking = event.talking;
        who.level = event.level;
        this.#announce('levels');
      },
      levels: () => {
        for (const [id, level] of Object.entries(event.levels)) {
          const who = this.people.get(id);
          if (who !== undefined) who.level = level;
        }
        this.#announce('levels');
      },
      'room-updated': () => {
        this.locked = event.locked;
        this.recording = event.recording;
        this.streaming = event.streaming;
        this.#announce('room');
      },
      chat: () => this.#announce('chat', event),
      uplink: () => this.#announce('uplink', event),
      closed: () => this.#closed(event),
    };
    if (event.type.startsWith('direct-')) this.direct.take(event);
    handlers[event.type]?.();
  }

  #put(who) {
    const isNew = !this.people.has(who.id);
    this.people.set(who.id, who);
    this.#announce('roster', isNew ? {joined: who} : {updated: who});
    // The server has given our leg up (docs/protocol.md: `transport` is absent without media).
    if (who.id === this.self && who.transport === undefined) this.#rejoin();
  }

  // The server's last word. A server that stops may be one that restarts; while we come back over a new connection it is
  // ourselves who replace the old one.
  #closed({reason, message}) {
    if (reason === 'server-stopping' || (reason === 'replaced' && this.#healing)) return;
    this.#end(reason, message);
  }

  // --- What the person does

  request(type, fields) {
    return this.#signal.request(type, fields);
  }

  async setMuted(muted) {
    this.#muted = muted;
    this.#announce('roster');
    try {
      await this.#signal.request('mute-self', {muted});
      if (this.me !== undefined) this.me.muted = muted;  // the event that says so is on its way
    } catch (error) {
      if (error.code !== 'unreachable' && error.code !== 'timeout') throw error;
    }
  }

  async setHand(raised) {
    await this.#signal.request('raise-hand', {raised});
    this.hand = raised;
  }

  async setTrack(track) {
    this.#track = track;
    await this.direct.setTrack(track);
    if (this.#media.sends) await this.#media.setTrack(track);
    else await this.#rejoin();
  }

  async leave() {
    const signal = this.#signal;
    const farewell = signal.request('leave', {}, 1000).catch(() => {});
    this.#end('left', '');
    await farewell;
    signal.close();
  }

  // The page goes away, perhaps to be loaded again: no farewell, so that the place is kept.
  vanish() {
    this.direct.close();
    this.#media?.close();
  }

  #end(reason, message) {
    if (this.#state === 'ended') return;
    clearTimeout(this.#lateTimer);
    this.#listeners.forEach((remove) => remove());
    this.direct.close();
    this.#media?.close();
    this.#setState('ended');
    this.#announce('ended', {reason, message});
  }

  #setState(state) {
    if (this.#state === state || this.#state === 'ended') return;
    this.#state = state;
    this.#announce('state', state);
  }
  #announce(type, detail) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }
}

export {Refused};
