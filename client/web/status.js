// For the operator: what the server does at this moment. Rooms and legs come from the API, load from the metrics.

import {ask, operatorPage} from './api.js';
import {el, toast} from './dom.js';
import {applyTheme} from './settings.js';
import {streamsOf, streamsView} from './streams.js';
import {t} from './strings.js';

applyTheme();

const kEvery = 2000;

// Prometheus' text format: name{labels} value. Values of the same name are added up.
function parseMetrics(text) {
  const sums = {};
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{[^}]*\})? (\S+)$/.exec(line);
    if (match) sums[match[1]] = (sums[match[1]] ?? 0) + Number(match[2]);
  }
  return sums;
}

const figures = el('dl', {class: 'figures', 'aria-live': 'off'});
const rooms = el('div', {class: 'rooms'});
const note = el('p', {class: 'hint', role: 'status'});
operatorPage(t('status.title'), '/status', figures, el('h2', {}, t('status.rooms')), note, rooms);

let before = null;
const open = new Set();  // names of rooms whose people are shown

const number = (value, digits = 0) => value.toLocaleString(undefined, {maximumFractionDigits: digits});

function showFigures(now) {
  const seconds = before === null ? 0 : (now.at - before.at) / 1000;
  const rate = (key) => (seconds > 0 ? ((now[key] ?? 0) - (before[key] ?? 0)) / seconds : 0);
  const bits = (key) => `${number((rate(key) * 8) / 1000)} kbit/s`;
  const rows = [
    ['status.participants', number(now.parley_participants ?? 0)],
    ['status.roomCount', number(now.parley_rooms ?? 0)],
    ['status.cpu', seconds > 0 ? `${number(rate('parley_process_cpu_seconds_total') * 100, 1)} %` : '…'],
    ['status.memory', `${number((now.parley_process_resident_bytes ?? 0) / 1048576)} MB`],
    ['status.in', seconds > 0 ? bits('parley_rtp_bytes_received_total') : '…'],
    ['status.out', seconds > 0 ? bits('parley_rtp_bytes_sent_total') : '…'],
    ['status.encodes', seconds > 0 ? `${number(rate('parley_encodes_total'))}/s` : '…'],
    ['status.skipped', number(now.parley_ticks_skipped_total ?? 0)],
  ];
  figures.replaceChildren(...rows.map(([key, value]) =>
    el('div', {class: 'figure'}, el('dt', {}, t(key)), el('dd', {}, value))));
  before = now;
}

const ms = (value) => (value === undefined ? '–' : `${Math.round(value)} ms`);
const percent = (value) => `${number((value ?? 0) * 100, 1)} %`;

function peopleTable(name, people) {
  const head = ['status.name', 'status.lossUp', 'status.lossDown', 'status.rtt', 'status.delay', 'status.target'];
  return el('div', {class: 'table-box', tabindex: 0, role: 'region', 'aria-label': t('status.peopleOf', {room: name})},
    el('table', {}, el('thead', {}, el('tr', {}, ...head.map((key) => el('th', {scope: 'col'}, t(key))))),
      el('tbody', {}, ...people.map((who) => el('tr', {},
        el('th', {scope: 'row'}, who.name, who.connected ? '' : ` (${t('person.lost')})`),
        el('td', {}, percent(who.uplink.loss)), el('td', {}, percent(who.downlink.loss)),
        el('td', {}, ms(who.round_trip_ms)), el('td', {}, ms(who.receiver?.delay_ms)),
        el('td', {}, ms(who.receiver?.target_ms)))))));
}

async function roomView(room) {
  const badges = [room.locked && t('room.locked'), room.recording && t('room.recording'), room.pin && t('status.pin')];
  const toggle = el('button', {type: 'button', class: 'quiet wide room-row', 'aria-expanded': open.has(room.name),
    onclick: () => {
      if (!open.delete(room.name)) open.add(room.name);
      refresh();
    }},
  el('span', {class: 'name'}, room.name),
  el('span', {class: 'hint'}, [t('status.people', {count: room.participants}), ...badges.filter(Boolean)].join(' · ')));
  toggle.dataset.room = room.name;
  if (!open.has(room.name)) return el('div', {}, toggle);
  const [quality, streams] = await Promise.all([
    ask('GET', `/rooms/${encodeURIComponent(room.name)}/quality`).catch(() => ({participants: []})), streamsOf(room.name)]);
  return el('div', {}, toggle, peopleTable(room.name, quality.participants),
    streams === null ? null : streamsView(room.name, streams, refresh));
}

async function refresh() {
  try {
    const answer = await fetch('/metrics');
    showFigures({...parseMetrics(await answer.text()), at: performance.now()});
    const list = (await ask('GET', '/rooms')).rooms;
    note.textContent = list.length === 0 ? t('status.none') : '';
    const views = await Promise.all(list.map(roomView));
    // Nothing is taken away from under somebody who types.
    if (rooms.contains(document.activeElement) && document.activeElement.tagName === 'INPUT') return;
    const focused = document.activeElement?.dataset?.room;
    rooms.replaceChildren(...views);
    if (focused !== undefined)
      rooms.querySelectorAll('[data-room]').forEach((row) => row.dataset.room === focused && row.focus());
  } catch (error) {
    note.textContent = t('error.unreachable');
    before = null;
    if (error.status !== undefined) toast(error.message, 'bad');
  }
}

async function run() {
  for (;;) {
    if (document.visibilityState === 'visible') await refresh();
    await new Promise((resolve) => setTimeout(resolve, kEvery));
  }
}
run();
