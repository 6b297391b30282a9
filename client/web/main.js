// Lobby, room, farewell: which of them is shown, and the way from one to the next.

import {Call} from './call.js';
import {byId, el, icon, toast} from './dom.js';
import {Lobby, joinError, microphoneError} from './lobby.js';
import {Microphone, devices, isSecure} from './microphone.js';
import {Room} from './room.js';
import {applyTheme, forgetPlace, person, place, rememberPerson, rememberPlace, toggleTheme} from './settings.js';
import {has, t} from './strings.js';

applyTheme();

let screen = null;
let session = null;  // {call, microphone, wish, mic, room}

function show(next) {
  screen?.destroy?.();
  screen = next;
  byId('app').replaceChildren(next.view);
  next.focus?.();
}

function roomOfLink() {
  const match = /^\/r\/([^/]+)$/.exec(location.pathname);
  if (match === null) return '';
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return '';
  }
}

// An invitation carries its token behind the '#', which no server and no log gets to see.
const tokenOfLink = () => new URLSearchParams(location.hash.slice(1)).get('token') ?? undefined;

function showLobby() {
  const lobby = new Lobby(roomOfLink(), (wish, microphone) => enter({...wish, token: tokenOfLink()}, microphone, lobby.wish));
  show(lobby);
}

async function enter(wish, microphone, mic, muted = false) {
  const call = new Call(wish, microphone.track);
  const stale = session;
  await call.join();
  stale?.call.vanish();
  document.title = `${wish.room} · ${t('title')}`;
  const path = `/r/${encodeURIComponent(wish.room)}`;
  if (location.pathname !== path) history.replaceState(null, '', path);
  const room = new Room(call, microphone, {openSettings: () => soundSettings(), leave: () => call.leave()});
  session = {call, microphone, wish, mic, room};
  call.addEventListener('ended', ({detail}) => farewell(detail));
  microphone.addEventListener('replaced', ({detail}) => {
    call.setTrack(detail).catch((error) => toast(error.message, 'bad'));
    room.microphoneChanged();
    toast(t('mic.replaced', {device: detail.label}));
  });
  microphone.addEventListener('lost', () => {
    call.setTrack(null).catch(() => {});
    room.microphoneChanged();
    toast(t('mic.lost'), 'bad');
  });
  show(room);
  if (muted) room.setMuted(true);
}

// After a reload: back to the same place, as the same participant, without asking again.
async function comeBack(stored) {
  const microphone = new Microphone();
  show({view: el('div', {class: 'page'}, el('main', {}, el('p', {class: 'card'}, t('state.connecting'))))});
  try {
    if (isSecure() && stored.mic.deviceId !== 'none') {
      await microphone.open(stored.mic);
      microphone.startMeter();
    }
  } catch (error) {
    toast(microphoneError(error), 'bad');
  }
  try {
    await enter(stored.wish, microphone, stored.mic, stored.muted);
  } catch (error) {
    microphone.close();
    showLobby();
    toast(joinError(error, false), 'bad');
  }
}

function farewell({reason, message}) {
  const {wish, microphone} = session;
  session = null;
  forgetPlace();
  microphone.close();
  const key = has(`ended.${reason}`) ? `ended.${reason}` : 'ended.other';
  const again = el('button', {type: 'button', class: 'primary wide', onclick: showLobby}, t('ended.again'));
  show({
    view: el('div', {class: 'page'}, el('main', {}, el('div', {class: 'card farewell'},
      el('h1', {}, t(key, {room: wish.room})), message ? el('p', {}, message) : null, again,
      el('a', {class: 'quiet wide', href: '/'}, t('ended.home'))))),
    focus: () => again.focus(),
  });
}

// The microphone and its processing, while in the room.
async function soundSettings() {
  const {call, microphone, room} = session;
  const known = person();
  const inputs = isSecure() ? await devices('audioinput') : [];
  const select = el('select', {id: 'settings-microphone'},
    ...inputs.map((d) => el('option', {value: d.deviceId}, d.label || d.deviceId)));
  if (microphone.deviceId) select.value = microphone.deviceId;
  const toggles = ['echo', 'noise', 'gain'].map((key) => {
    const box = el('input', {type: 'checkbox', role: 'switch', id: `settings-${key}`, checked: known[key]});
    return [key, box, el('div', {class: 'toggle'}, box, el('label', {for: box.id}, t(`lobby.${key}`)))];
  });
  const apply = async (event) => {
    event.preventDefault();
    for (const [key, box] of toggles) rememberPerson({[key]: box.checked});
    rememberPerson({deviceId: select.value});
    const {echo, noise, gain} = person();
    session.mic = {deviceId: select.value, echo, noise, gain};
    try {
      const track = await microphone.open(session.mic);
      microphone.startMeter();
      await call.setTrack(track);
      room.microphoneChanged();
      dialog.close();
    } catch (error) {
      toast(microphoneError(error), 'bad');
    }
  };
  const dialog = el('dialog', {'aria-label': t('room.settings'), onclose: () => dialog.remove()},
    el('form', {onsubmit: apply},
      el('div', {class: 'chat-head'}, el('h2', {}, t('room.settings')),
        el('button', {type: 'button', class: 'icon-button', 'aria-label': t('dialog.close'), onclick: () => dialog.close()},
          icon('close'))),
      isSecure() ? null : el('p', {class: 'hint'}, t('mic.insecure')),
      el('div', {class: 'field'}, el('label', {for: select.id}, t('lobby.microphone')), select),
      ...toggles.map(([, , row]) => row),
      el('button', {type: 'button', class: 'quiet wide', onclick: toggleTheme}, icon('theme'), el('span', {}, t('theme'))),
      el('button', {type: 'submit', class: 'primary wide', disabled: inputs.length === 0}, t('dialog.apply'))));
  document.body.append(dialog);
  dialog.showModal();
}

window.addEventListener('pagehide', () => {
  if (session === null) return;
  const {call, wish, mic} = session;
  rememberPlace({wish: {...wish, resume: call.resume}, mic, muted: call.muted});
  call.vanish();
});

const reloaded = performance.getEntriesByType('navigation')[0]?.type === 'reload';
const stored = reloaded ? place(roomOfLink()) : null;
forgetPlace();
if (stored !== null) comeBack(stored);
else showLobby();
