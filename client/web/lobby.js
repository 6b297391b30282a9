// Before the room: who you are, which microphone, whether it works.

import {el} from './dom.js';
import {Microphone, devices, isSecure} from './microphone.js';
import {person, rememberPerson} from './settings.js';
import {has, t} from './strings.js';

const kListenOnly = 'none';
const kQuietest = -60;
const kProcessing = ['echo', 'noise', 'gain'];

export function levelBar(label) {
  const fill = el('span', {class: 'level-fill'});
  const bar = el('div', {class: 'level', role: 'meter', 'aria-label': label, 'aria-valuemin': kQuietest,
    'aria-valuemax': 0, 'aria-valuenow': kQuietest}, fill);
  let shown = 0;
  return {
    bar,
    show(db) {
      const wanted = Math.min(Math.max((db - kQuietest) / -kQuietest, 0), 1);
      shown = Math.max(wanted, shown - 0.03);
      fill.style.setProperty('transform', `scaleX(${shown.toFixed(3)})`);
      bar.setAttribute('aria-valuenow', Math.round(Math.max(db, kQuietest)));
    },
  };
}

export function microphoneError(error) {
  const known = {NotAllowedError: 'mic.denied', SecurityError: 'mic.denied', NotFoundError: 'mic.none',
    NotReadableError: 'mic.busy'};
  return t(known[error.name] ?? 'mic.busy');
}

export function joinError(error, hadPin) {
  if (error.code === 'wrong-pin') return t(hadPin ? 'error.wrong-pin-again' : 'error.wrong-pin');
  const key = `error.${error.code}`;
  return t(has(key) ? key : 'error.other', {message: error.message});
}

// room: from the link, or ''. enter({room, name, pin, consent, direct}, microphone): joins, throws what it is refused with.
export class Lobby {
  #microphone = new Microphone();
  #timer = 0;
  #enter;
  #room;
  #opening = Promise.resolve();

  constructor(room, enter) {
    this.#room = room;
    this.#enter = enter;
    this.#build();
    this.#opening = this.#openMicrophone(person().deviceId);
    this.#timer = setInterval(() => this.meter.show(this.#microphone.level()), 50);
    navigator.mediaDevices?.addEventListener('devicechange', this.#list);
    this.#microphone.addEventListener('replaced', this.#list);
  }

  #build() {
    const known = person();
    this.name = el('input', {id: 'name', maxlength: 64, required: true, autocomplete: 'nickname', value: known.name ?? ''});
    this.room = el('input', {id: 'room', maxlength: 64, required: true, autocomplete: 'off', value: this.#room,
      'aria-describedby': 'room-hint'});
    this.pin = el('input', {id: 'pin', maxlength: 64, inputmode: 'numeric', autocomplete: 'off'});
    this.pinField = el('div', {class: 'field', hidden: true}, el('label', {for: 'pin'}, t('lobby.pin')), this.pin);
    this.select = el('select', {id: 'microphone', onchange: () => this.#choose()},
      el('option', {value: ''}, t('lobby.defaultMicrophone')));
    this.meter = levelBar(t('lobby.level'));
    this.hint = el('p', {class: 'hint', id: 'mic-hint', role: 'status'}, t('lobby.allow'));
    this.error = el('p', {class: 'error', role: 'alert'});
    this.button = el('button', {class: 'primary wide', type: 'submit'}, t('lobby.join'));
    this.consent = this.#toggle('consent', known.consent ?? true);
    this.direct = this.#toggle('direct', known.direct);
    const processing = kProcessing.map((key) => this.#toggle(key, known[key]));
    const field = (label, input, ...more) =>
      el('div', {class: 'field'}, el('label', {for: input.id}, label), input, ...more);
    const form = el('form', {class: 'card lobby', onsubmit: (event) => this.#submit(event)},
      el('h1', {}, this.#room ? t('lobby.titleOf', {room: this.#room}) : t('lobby.title')),
      this.#room ? null
        : field(t('lobby.room'), this.room, el('p', {class: 'hint', id: 'room-hint'}, t('lobby.roomHint'))),
      field(t('lobby.name'), this.name),
      this.pinField,
      field(t('lobby.microphone'), this.select, this.meter.bar, this.hint),
      el('details', {}, el('summary', {}, t('lobby.sound')), ...processing, this.direct,
        el('p', {class: 'hint after-toggle'}, t('lobby.directHint'))),
      this.consent,
      el('p', {class: 'hint after-toggle'}, t('lobby.consentHint')),
      this.error,
      this.button);
    this.view = el('div', {class: 'page'},
      el('header', {class: 'brand'}, el('img', {src: '/assets/logo.svg', alt: '', width: 40, height: 40}),
        el('div', {}, el('p', {class: 'brand-name'}, t('title')), el('p', {class: 'tagline'}, t('tagline')))),
      el('main', {}, form));
  }

  #toggle(key, checked) {
    const box = el('input', {type: 'checkbox', id: `toggle-${key}`, checked, role: 'switch', onchange: () => {
      rememberPerson({[key]: box.checked});
      if (kProcessing.includes(key)) this.#choose();
    }});
    return el('div', {class: 'toggle'}, box, el('label', {for: box.id}, t(`lobby.${key}`)));
  }

  focus() {
    (this.#room === '' ? this.room : this.name).focus();
  }

  get wish() {
    return {deviceId: this.select.value, ...(({echo, noise, gain}) => ({echo, noise, gain}))(person())};
  }

  #choose() {
    const id = this.select.value;
    rememberPerson({deviceId: id});
    this.#opening = this.#openMicrophone(id);
  }

  async #openMicrophone(id) {
    if (id === kListenOnly) {
      this.#microphone.close();
      this.hint.textContent = '';
      await this.#list();
      return;
    }
    if (!isSecure()) {
      this.select.replaceChildren(el('option', {value: kListenOnly}, t('lobby.listenOnly')));
      this.hint.textContent = t('mic.insecure');
      return;
    }
    try {
      await this.#microphone.open({...this.wish, deviceId: id});
      this.#microphone.startMeter();
      this.hint.textContent = t('lobby.say');
    } catch (error) {
      this.hint.textContent = microphoneError(error);
    }
    await this.#list();
  }

  #list = async () => {
    if (!isSecure()) return;
    const wanted = person().deviceId === kListenOnly ? kListenOnly : this.#microphone.deviceId;
    const inputs = (await devices('audioinput')).map((d) => el('option', {value: d.deviceId}, d.label || d.deviceId));
    if (inputs.length === 0) inputs.push(el('option', {value: ''}, t('lobby.defaultMicrophone')));
    this.select.replaceChildren(...inputs, el('option', {value: kListenOnly}, t('lobby.listenOnly')));
    this.select.value = wanted;
    if (this.select.selectedIndex < 0) this.select.selectedIndex = 0;
  };

  async #submit(event) {
    event.preventDefault();
    this.error.textContent = '';
    this.button.disabled = true;
    this.button.textContent = t('lobby.joining');
    this.#microphone.startMeter();
    rememberPerson({name: this.name.value.trim()});
    const wish = {
      room: this.#room || this.room.value.trim(),
      name: this.name.value.trim(),
      pin: this.pin.value || undefined,
      consent: this.consent.firstChild.checked,
      direct: this.direct.firstChild.checked,
    };
    await this.#opening;
    try {
      await this.#enter(wish, this.#microphone);
      this.#stopWatching();
    } catch (error) {
      this.error.textContent = joinError(error, wish.pin !== undefined);
      if (error.code === 'wrong-pin') {
        this.pinField.hidden = false;
        this.pin.focus();
      }
      this.button.disabled = false;
      this.button.textContent = t('lobby.join');
    }
  }

  #stopWatching() {
    clearInterval(this.#timer);
    navigator.mediaDevices?.removeEventListener('devicechange', this.#list);
    this.#microphone.removeEventListener('replaced', this.#list);
  }
  destroy() {
    this.#stopWatching();
    this.view.remove();
  }
}
