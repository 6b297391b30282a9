// The room: who is here, my microphone, the others' sound, chat, and what a moderator may do.

import {offers} from './api.js';
import {Chat} from './chat.js';
import {el, icon, toast} from './dom.js';
import {copyLink, openInvitation} from './invite.js';
import {levelBar} from './lobby.js';
import {watch} from './quality.js';
import {Roster} from './roster.js';
import {Sound} from './sound.js';
import {t} from './strings.js';

const kTalkingIntoMuted = -38;  // dBFS
const kHintEvery = 20_000;
const kFewPeople = 20;  // in a larger room nobody wants to read who comes and goes

// microphone: open, or without a track: only listening. settings: opens the dialogue for the microphone.
export class Room {
  #call;
  #microphone;
  #handlers = [];
  #stopWatching;
  #timer;
  #held = false;      // the space bar, or the button under a finger
  #lastHint = 0;
  #wasRecording = false;
  #wasStreaming = false;

  constructor(call, microphone, {openSettings, leave}) {
    this.#call = call;
    this.#microphone = microphone;
    this.openSettings = openSettings;
    this.leave = leave;
    this.roster = new Roster(call, microphone);
    this.chat = new Chat(call, () => this.#showChat());
    this.#build();
    this.#on('roster', ({detail}) => this.#people(detail));
    this.#on('room', () => this.#showRoom());
    this.#on('state', () => this.#showState());
    this.#on('stream', ({detail}) => this.#play(detail));
    this.#on('path', () => this.#showPath());
    document.addEventListener('keydown', this.#keyDown);
    document.addEventListener('keyup', this.#keyUp);
    window.addEventListener('blur', this.#release);
    this.#stopWatching = watch(call, (quality) => this.#showQuality(quality));
    this.#timer = setInterval(() => this.#meter(), 50);
    if (call.media !== null) this.#play(call.media.stream);
    this.#showRoom();
    this.#showState();
    this.#showMute();
  }

  #on(type, handler) {
    this.#call.addEventListener(type, handler);
    this.#handlers.push(() => this.#call.removeEventListener(type, handler));
  }

  #build() {
    const button = (name, label, action, more = {}) =>
      el('button', {type: 'button', class: 'tool', onclick: action, ...more}, icon(name), el('span', {}, label));
    this.sound = new Sound(this.#call);
    this.hear = el('button', {type: 'button', class: 'primary hear', hidden: true, onclick: () => this.#startSound()},
      t('room.hear'));
    this.state = el('p', {class: 'state', role: 'status'});
    this.quality = el('p', {class: 'quality', 'data-grade': 'unknown'}, icon('signal'), el('span', {}, t('quality.unknown')));
    this.light = el('p', {class: 'light', hidden: true, role: 'status'}, icon('record'), el('span', {}, t('room.recording')));
    this.onAir = el('p', {class: 'light', hidden: true, role: 'status'}, icon('stream'), el('span', {}, t('room.streaming')));
    this.directBadge = el('p', {class: 'direct-badge', hidden: true, role: 'status'}, icon('direct'),
      el('span', {}, t('room.direct')));
    this.lockBadge = el('p', {class: 'lock-badge', hidden: true}, icon('lock'), el('span', {}, t('room.locked')));
    this.mute = el('button', {type: 'button', class: 'mute', 'aria-pressed': 'false', title: t('room.muteHint'),
      onclick: () => this.setMuted(!this.#isMuted)});
    this.meter = levelBar(t('lobby.level'));
    this.hand = button('hand', t('room.hand'), () => this.#toggleHand(), {'aria-pressed': 'false'});
    this.chatButton = button('chat', t('room.chat'), () => this.chat.open(!this.chat.isOpen), {'aria-expanded': 'false'});
    this.unread = el('span', {class: 'unread', hidden: true});
    this.chatButton.append(this.unread);
    this.lock = button('lock', t('room.lock'), () => this.#toggleLock());
    this.record = button('record', t('room.record'), () => this.#toggleRecording(), {hidden: true});
    this.muteAll = button('mic-off', t('room.muteAll'), () => this.#ask('mute-all'));
    this.moderation = el('div', {class: 'moderation', role: 'group', 'aria-label': t('room.moderation'), hidden: true},
      this.lock, this.muteAll, this.record);
    offers('/rooms/x/recording/start').then((yes) => (this.record.hidden = !yes));
    this.view = el('div', {class: 'room'},
      el('header', {class: 'room-head'},
        el('h1', {}, this.#call.room), this.lockBadge, this.light, this.onAir, this.directBadge,
        el('span', {class: 'spring'}), this.quality,
        this.invite = el('button', {type: 'button', class: 'quiet', hidden: true, onclick: () => openInvitation(this.#call)},
          icon('people'), el('span', {}, t('room.invite'))),
        el('button', {type: 'button', class: 'quiet', onclick: () => this.#copyLink()}, icon('link'),
          el('span', {}, t('room.copy')))),
      this.state,
      el('main', {class: 'stage'}, this.roster.view, this.chat.view),
      this.hear,
      el('footer', {class: 'tools'},
        this.moderation,
        el('div', {class: 'tools-main'},
          this.hand, this.chatButton,
          el('div', {class: 'mute-box'}, this.mute, this.meter.bar),
          button('settings', t('room.settings'), () => this.openSettings()),
          button('leave', t('room.leave'), () => this.leave(), {class: 'tool danger'}))),
      this.sound.view);
  }

  // --- Sound

  #play(stream) {
    this.roster.sendVolumes();
    this.#startSound(stream);
  }
  async #startSound(stream) {
    try {
      await this.sound.play(stream);
      this.hear.hidden = true;
    } catch (error) {
      // A newer stream interrupts the older one's start; only a refusal needs the person's click.
      if (error.name === 'NotAllowedError') this.hear.hidden = false;
    }
  }

  // --- My microphone

  get #canTalk() {
    return this.#microphone.track !== null;
  }

  // By myself or by a moderator; the server tells which of the two it lets me undo.
  get #isMuted() {
    return this.#call.muted || this.#call.me?.muted === true;
  }

  async setMuted(muted) {
    if (!this.#canTalk) return this.openSettings();
    this.#microphone.setMuted(muted);
    try {
      await this.#call.setMuted(muted);
    } catch (error) {
      toast(error.message, 'bad');
    }
    this.#showMute();
  }

  #showMute() {
    const muted = this.#isMuted || !this.#canTalk;
    this.mute.replaceChildren(icon(muted ? 'mic-off' : 'mic'), el('span', {}, t(muted ? 'room.unmute' : 'room.mute')));
    this.mute.setAttribute('aria-pressed', muted);
    this.mute.classList.toggle('muted', muted);
    this.mute.classList.toggle('held', this.#held);
  }

  microphoneChanged() {
    this.#microphone.setMuted(this.#call.muted);
    this.#showMute();
  }

  #keyDown = (event) => {
    if (event.target.closest('input, textarea, select, dialog') || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === 'KeyM' && !event.repeat) this.setMuted(!this.#isMuted);
    if (event.code === 'KeyT' && !event.repeat) this.#sayTalkers();
    // The space bar presses a button that has the focus; everywhere else it opens the microphone while it is held.
    if (event.code === 'Space' && !event.target.closest('button, summary, a')) {
      event.preventDefault();
      if (!event.repeat && this.#call.muted && this.#canTalk) {
        this.#held = true;
        this.setMuted(false);
      }
    }
  };
  #keyUp = (event) => {
    if (event.code === 'Space') this.#release();
  };
  #release = () => {
    if (!this.#held) return;
    this.#held = false;
    this.setMuted(true);
  };

  #meter() {
    const db = this.#microphone.level();
    this.meter.show(this.#call.muted ? -Infinity : db);
    if (this.#call.muted && db > kTalkingIntoMuted && performance.now() > this.#lastHint + kHintEvery) {
      this.#lastHint = performance.now();
      toast(t('room.talkingMuted'));
    }
  }

  // --- What others see

  async #toggleHand() {
    try {
      await this.#call.setHand(!this.#call.hand);
    } catch (error) {
      toast(error.message, 'bad');
    }
    this.hand.setAttribute('aria-pressed', this.#call.hand);
    this.hand.lastChild.textContent = t(this.#call.hand ? 'room.handDown' : 'room.hand');
  }

  #people(change) {
    this.roster.update();
    const name = (who) => ({name: who.name});
    const small = this.#call.people.size <= kFewPeople;
    if (small && change?.joined) toast(t('room.joined', name(change.joined)));
    if (small && change?.left) toast(t('room.left', name(change.left)));
    const updated = change?.updated;
    if (updated && updated.hand && !this.raised?.has(updated.id) && updated.id !== this.#call.self)
      toast(t('room.handUp', name(updated)));
    this.raised = new Set([...this.#call.people.values()].filter((who) => who.hand).map((who) => who.id));
    this.#showMute();
  }

  #sayTalkers() {
    const names = this.roster.talkers().join(', ');
    toast(names === '' ? t('room.nobodyTalks') : t('room.talking', {names}));
  }

  #showChat() {
    this.chatButton.setAttribute('aria-expanded', this.chat.isOpen);
    this.unread.hidden = this.chat.unread === 0;
    this.unread.textContent = this.chat.unread > 99 ? '99+' : this.chat.unread;
    this.view.classList.toggle('with-chat', this.chat.isOpen);
  }

  // --- The room

  #showRoom() {
    const call = this.#call;
    this.moderation.hidden = !call.isModerator;
    this.invite.hidden = !call.isModerator || call.token === '';
    this.lockBadge.hidden = !call.locked;
    this.lock.replaceChildren(icon(call.locked ? 'unlock' : 'lock'),
      el('span', {}, t(call.locked ? 'room.unlock' : 'room.lock')));
    this.light.hidden = !call.recording;
    this.record.lastChild.textContent = t(call.recording ? 'room.recordStop' : 'room.record');
    this.record.setAttribute('aria-pressed', call.recording);
    this.onAir.hidden = !call.streaming;
    if (call.streaming !== this.#wasStreaming) {
      this.#wasStreaming = call.streaming;
      toast(t(call.streaming ? 'room.streamingOn' : 'room.streamingOff'));
    }
    if (call.recording !== this.#wasRecording) {
      this.#wasRecording = call.recording;
      const on = call.me?.consent === false ? 'room.recordingWithoutYou' : 'room.recordingOn';
      toast(t(call.recording ? on : 'room.recordingOff'));
    }
  }

  async #ask(type, fields) {
    try {
      await this.#call.request(type, fields);
      return true;
    } catch (error) {
      toast(error.message, 'bad');
      return false;
    }
  }
  #toggleRecording() {
    return this.#ask(this.#call.recording ? 'stop-recording' : 'start-recording');
  }
  async #toggleLock() {
    const wanted = !this.#call.locked;
    if (await this.#ask(wanted ? 'lock' : 'unlock')) toast(t(wanted ? 'room.isLocked' : 'room.isUnlocked'));
  }

  async #copyLink() {
    await copyLink(`/r/${encodeURIComponent(this.#call.room)}`, t('room.copied'));
  }

  // --- The connection

  #showState() {
    const state = this.#call.state;
    const key = this.#call.isBlocked ? 'blocked' : state === 'ended' ? 'reconnecting' : state;
    this.state.textContent = state === 'live' ? '' : t(`state.${key}`);
    this.state.hidden = state === 'live';
    this.view.dataset.state = state;
    if (state !== 'live') this.#showQuality({grade: 'unknown', text: t('quality.unknown')});
  }
  #showPath() {
    const {direct, people} = this.#call;
    this.sound.follow();
    this.directBadge.hidden = !direct.isActive;
    if (direct.isActive) this.directBadge.title = t('room.directHint', {name: people.get(direct.peer)?.name ?? ''});
  }
  #showQuality({grade, text}) {
    this.quality.dataset.grade = grade;
    this.quality.lastChild.textContent = text;
    this.quality.title = text;
  }

  destroy() {
    clearInterval(this.#timer);
    this.#stopWatching();
    this.#handlers.forEach((remove) => remove());
    document.removeEventListener('keydown', this.#keyDown);
    document.removeEventListener('keyup', this.#keyUp);
    window.removeEventListener('blur', this.#release);
    this.roster.destroy();
    this.chat.destroy();
    this.sound.destroy();
    this.view.remove();
  }
}
