// Who is in the room: a card each, with a ring that shows who talks, how loud I hear them, and what a moderator may do.

import {el, icon, toast} from './dom.js';
import {t} from './strings.js';

const kQuietest = -31;  // the slider's lowest position: silent for me
const kLoudest = 12;
const kSpeech = 45;     // -dBov

const initials = (name) =>
  name.split(/\s+/).filter(Boolean).slice(0, 2).map((word) => [...word][0].toUpperCase()).join('') || '?';
// The same name has the same colour on every screen.
const hue = (name) => [...name].reduce((sum, c) => (sum * 131 + c.codePointAt(0) * 977) % 9973, 7) % 360;

class Card {
  constructor(call, who, personal) {
    this.call = call;
    this.personal = personal;
    const isMe = who.id === call.self;
    this.avatar = el('div', {class: 'avatar', 'aria-hidden': 'true'});
    this.name = el('span', {class: 'name'});
    this.notes = el('span', {class: 'notes'});
    // The ring in words, for screen readers: read with the card, never announced by itself.
    this.voice = el('span', {class: 'unseen'});
    this.badges = el('span', {class: 'badges', 'aria-hidden': 'true'});
    this.view = el('li', {class: 'person', 'data-id': who.id}, this.avatar,
      el('div', {class: 'person-text'}, this.name, this.notes, this.voice), this.badges, isMe ? null : this.#more(who));
    this.update(who);
  }

  #more(who) {
    this.slider = el('input', {type: 'range', min: kQuietest, max: kLoudest, step: 1,
      value: this.personal.get(who.id) ?? 0, 'aria-label': t('person.volume', {name: who.name}),
      oninput: () => this.#setVolume(Number(this.slider.value))});
    this.volume = el('output', {class: 'hint'});
    const items = [el('label', {class: 'volume'}, icon('volume'), this.slider, this.volume)];
    if (this.call.isModerator) {
      this.muteButton = el('button', {type: 'button', class: 'menu-item', onclick: () => this.#moderate(
        this.who.muted ? 'unmute' : 'mute')}, '');
      items.push(this.muteButton, el('button', {type: 'button', class: 'menu-item danger', onclick: async () => {
        if (await this.#moderate('kick')) toast(t('person.kicked', {name: this.who.name}));
      }}, t('person.kick')));
    }
    this.menu = el('div', {class: 'menu', hidden: true, id: `menu-${who.id}`}, ...items);
    this.toggle = el('button', {type: 'button', class: 'icon-button', 'aria-expanded': 'false',
      'aria-controls': `menu-${who.id}`, 'aria-label': t('person.menu', {name: who.name}),
      onclick: () => this.open(this.menu.hidden)}, icon('more'));
    this.#showVolume();
    return el('div', {class: 'person-more', onkeydown: (event) => {
      if (event.key !== 'Escape') return;
      this.open(false);
      this.toggle.focus();
    }}, this.toggle, this.menu);
  }

  open(wanted) {
    if (this.menu === undefined) return;
    this.menu.hidden = !wanted;
    this.toggle.setAttribute('aria-expanded', wanted);
    this.view.classList.toggle('open', wanted);
    if (wanted) this.slider.focus();
  }

  #showVolume() {
    const db = Number(this.slider.value);
    const text = db === kQuietest ? t('person.silenced') : `${db > 0 ? '+' : ''}${db} dB`;
    this.volume.textContent = text;
    this.slider.setAttribute('aria-valuetext', text);
    this.view?.classList.toggle('silenced', db === kQuietest);
  }

  // The sound of the slider goes out at most every 100 ms while it is dragged.
  #setVolume(db) {
    this.personal.set(this.who.id, db);
    this.#showVolume();
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      sendVolume(this.call, this.who.id, this.personal.get(this.who.id)).catch((error) => toast(error.message, 'bad'));
    }, 100);
  }

  async #moderate(action) {
    this.open(false);
    try {
      await this.call.request(action, {participant: this.who.id});
      return true;
    } catch (error) {
      toast(error.message, 'bad');
      return false;
    }
  }

  update(who) {
    const isMe = who.id === this.call.self;
    const muted = who.muted || (isMe && this.call.muted);
    this.who = who;
    this.avatar.textContent = initials(who.name);
    this.avatar.style.setProperty('--hue', hue(who.name));
    this.name.textContent = who.name;
    const lost = who.transport === undefined;
    const notes = [isMe && t('room.you'), who.role === 'moderator' && t('room.moderator'), lost && t('person.lost'),
      muted && t('person.muted'), !who.sends && !lost && t('person.listening'), who.hand && t('person.hand')];
    this.notes.textContent = notes.filter(Boolean).join(' · ');
    this.badges.replaceChildren(...[who.hand && icon('hand'), muted && icon('mic-off')].filter(Boolean));
    this.view.classList.toggle('lost', lost);
    this.view.classList.toggle('muted', muted);
    this.view.classList.toggle('hand', who.hand);
    if (this.muteButton) this.muteButton.textContent = t(who.muted ? 'person.unmute' : 'person.mute');
  }

  ring(talking, level) {
    if (talking === this.talking && (!talking || level === this.level)) return;
    this.talking = talking;
    this.level = level;
    this.view.classList.toggle('talking', talking);
    this.voice.textContent = talking ? t('person.talking') : '';
    // -dBov 60 and quieter: a thin ring; 10 and louder: a wide one.
    this.avatar.style.setProperty('--level', talking ? Math.min(Math.max((60 - level) / 50, 0.15), 1).toFixed(2) : 0);
  }
}

export function sendVolume(call, talker, db) {
  return call.request('personal-gain', db === kQuietest ? {talker, mute: true} : {talker, db});
}

export class Roster {
  #call;
  #microphone;
  #cards = new Map();
  #personal = new Map();  // participant -> dB, kept over reconnects
  #timer;

  constructor(call, microphone) {
    this.#call = call;
    this.#microphone = microphone;
    this.count = el('p', {class: 'hint', role: 'status'});
    this.alone = el('p', {class: 'alone'}, t('room.alone'));
    this.list = el('ul', {class: 'people', 'aria-label': t('room.people')});
    this.view = el('section', {class: 'roster', 'aria-label': t('room.people')}, this.count, this.list, this.alone);
    document.addEventListener('click', this.#closeMenus);
    this.#timer = setInterval(() => this.#rings(), 100);
    this.update();
  }

  #closeMenus = ({target}) => {
    for (const card of this.#cards.values()) if (!card.view.contains(target)) card.open(false);
  };

  // Who has raised a hand stands first, then in the order of coming.
  update() {
    const people = [...this.#call.people.values()];
    for (const [id, card] of this.#cards) {
      if (this.#call.people.has(id)) continue;
      card.view.remove();
      this.#cards.delete(id);
    }
    for (const who of people) {
      const card = this.#cards.get(who.id);
      if (card !== undefined) {
        card.update(who);
      } else {
        const fresh = new Card(this.#call, who, this.#personal);
        this.#cards.set(who.id, fresh);
        this.list.append(fresh.view);
      }
    }
    const hands = people.filter((who) => who.hand);
    const order = [...hands, ...people.filter((who) => !who.hand)].map((who) => this.#cards.get(who.id).view);
    order.forEach((view, index) => {
      if (this.list.children[index] !== view) this.list.insertBefore(view, this.list.children[index]);
    });
    this.count.textContent = people.length === 1 ? t('room.person') : t('room.persons', {count: people.length});
    this.alone.hidden = people.length > 1;
  }

  // The server hears nothing of a direct call: both levels are measured here.
  #directRings() {
    const {direct, self, muted} = this.#call;
    for (const [id, card] of this.#cards) {
      const level = id === self ? (muted ? null : -this.#microphone.level()) : direct.level();
      card.ring(level !== null && level < kSpeech, level ?? 127);
    }
  }

  // Who talks now, for those who cannot see the rings.
  talkers() {
    return [...this.#cards.values()].filter((card) => card.talking).map((card) => card.who.name);
  }

  // A new leg knows nothing of my volumes; the people may have new ids after a restart of the server.
  sendVolumes() {
    for (const [id, db] of this.#personal)
      if (db !== 0 && this.#call.people.has(id)) sendVolume(this.#call, id, db).catch(() => {});
  }

  // CSRCs arrive with the sound itself, levels a little later over signalling: either lights the ring.
  #rings() {
    if (this.#call.direct.isActive) return this.#directRings();
    const heard = new Set(this.#call.media?.contributors() ?? []);
    for (const [id, card] of this.#cards) {
      const who = this.#call.people.get(id);
      if (who === undefined) continue;
      const muted = who.muted || (id === this.#call.self && this.#call.muted);
      card.ring(!muted && (who.talking || heard.has(who.csrc)), who.talking ? who.level : 45);
    }
  }

  destroy() {
    clearInterval(this.#timer);
    document.removeEventListener('click', this.#closeMenus);
  }
}
