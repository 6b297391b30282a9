// The recordings there are: who spoke when as a picture, listening, downloading, deleting (docs/recordings.md).

import {ask, operatorPage} from './api.js';
import {el, icon, toast} from './dom.js';
import {applyTheme} from './settings.js';
import {t} from './strings.js';

applyTheme();

const kPage = 25;
const kSvg = 'http://www.w3.org/2000/svg';

const room = el('input', {id: 'filter-room', autocomplete: 'off', onchange: () => load(0)});
const from = el('input', {id: 'filter-from', type: 'date', onchange: () => load(0)});
const to = el('input', {id: 'filter-to', type: 'date', onchange: () => load(0)});
const note = el('p', {class: 'hint', role: 'status'});
const list = el('div', {class: 'rooms'});
const pages = el('div', {class: 'nav'});
const field = (label, input) => el('div', {class: 'field'}, el('label', {for: input.id}, t(label)), input);
operatorPage(t('recordings.title'), '/recordings',
  el('form', {class: 'filters', onsubmit: (event) => event.preventDefault()},
    field('recordings.room', room), field('recordings.from', from), field('recordings.to', to)),
  note, list, pages);

function clock(ms) {
  const seconds = Math.max(Math.round(ms / 1000), 0);
  const two = (n) => String(n).padStart(2, '0');
  const h = Math.floor(seconds / 3600);
  return `${h > 0 ? `${h}:` : ''}${h > 0 ? two(Math.floor(seconds / 60) % 60) : Math.floor(seconds / 60)}:${two(seconds % 60)}`;
}
const size = (bytes) => {
  const [unit, name] = bytes < 1e6 ? [1e3, 'kB'] : [1e6, 'MB'];
  return `${(bytes / unit).toLocaleString(undefined, {maximumFractionDigits: 1})} ${name}`;
};

// Levels (dB below full scale, one each step) as a mirrored curve in a lane of 1000 by 12; 60 dB reach from the middle
// to the edge.
function curve(levels, step, length) {
  const x = (i) => Math.min((i * step * 1000) / length, 1000).toFixed(1);
  const halves = levels.map((level) => (6 * Math.max(60 - level, 0)) / 60);
  const upper = halves.map((half, i) => `L${x(i)} ${(6 - half).toFixed(2)}H${x(i + 1)}`);
  const lower = halves.map((half, i) => `L${x(i + 1)} ${(6 + half).toFixed(2)}H${x(i)}`).reverse();
  return `M0 6${upper.join('')}${lower.join('')}Z`;
}

// One line for each participant, a bar for each time it spoke, and its level.
function picture(show) {
  const people = show.participants;
  const length = Math.max(show.duration_ms, 1);
  const name = new Map(people.map((who) => [who.id, who.name]));
  const rows = people.map((who) => {
    const svg = document.createElementNS(kSvg, 'svg');
    svg.setAttribute('viewBox', '0 0 1000 12');
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('class', 'talks');
    svg.setAttribute('aria-hidden', 'true');
    let spoken = 0;
    for (const talk of show.talks.filter((one) => one.participant === who.id)) {
      const end = talk.to_ms ?? show.duration_ms;
      spoken += end - talk.from_ms;
      const bar = document.createElementNS(kSvg, 'rect');
      bar.setAttribute('x', ((talk.from_ms / length) * 1000).toFixed(2));
      bar.setAttribute('width', Math.max(((end - talk.from_ms) / length) * 1000, 1).toFixed(2));
      bar.setAttribute('height', 12);
      svg.append(bar);
    }
    for (const track of show.tracks.filter((one) => one.participant === who.id && one.levels?.length > 0)) {
      const path = document.createElementNS(kSvg, 'path');
      path.setAttribute('d', curve(track.levels, track.levels_step_ms, length));
      svg.append(path);
    }
    return el('li', {}, el('span', {class: 'name'}, name.get(who.id)), svg,
      el('span', {class: 'hint'}, who.consent ? t('recordings.spoke', {time: clock(spoken)}) : t('recordings.noConsent')));
  });
  return el('ul', {class: 'timeline', 'aria-label': t('recordings.timeline')}, ...rows);
}

// The browser's own player and downloads cannot send a key: they get a signed link that expires.
async function link(id, file) {
  return (await ask('POST', `/recordings/${id}/link`, {file, expires_s: 3600})).path;
}

function download(id, file, label) {
  return el('button', {type: 'button', class: 'quiet', onclick: async () => {
    try {
      const anchor = el('a', {href: await link(id, file), download: ''});
      document.body.append(anchor);
      anchor.click();
      anchor.remove();
    } catch (error) {
      toast(error.message, 'bad');
    }
  }}, icon('download'), el('span', {}, label));
}

async function details(row, refresh) {
  const show = await ask('GET', `/recordings/${row.id}`);
  const who = new Map(show.participants.map((one) => [one.id, one.name]));
  const player = show.mixdown
    ? el('audio', {controls: true, preload: 'metadata', src: await link(row.id, 'mixdown'), 'aria-label': t('recordings.play')})
    : null;
  const tracks = show.tracks.map((track) =>
    download(row.id, track.file.split('/').pop(), `${who.get(track.participant) ?? track.participant} · ${size(track.bytes)}`));
  const remove = el('button', {type: 'button', class: 'quiet danger', onclick: async () => {
    if (remove.dataset.sure === undefined) {
      remove.dataset.sure = '';
      remove.textContent = t('recordings.sure');
      return;
    }
    try {
      await ask('DELETE', `/recordings/${row.id}`);
      refresh();
    } catch (error) {
      toast(error.message, 'bad');
    }
  }}, t('recordings.delete'));
  return el('div', {class: 'details'}, picture(show), player,
    el('div', {class: 'nav'}, show.mixdown ? download(row.id, 'mixdown', t('recordings.mixdown')) : null,
      download(row.id, 'zip', t('recordings.zip')), show.state === 'recording' ? null : remove),
    tracks.length > 0 ? el('h3', {}, t('recordings.tracks')) : null, el('div', {class: 'nav'}, ...tracks));
}

function rowView(row, refresh) {
  const started = new Date(row.started_ms).toLocaleString([], {dateStyle: 'medium', timeStyle: 'short'});
  const states = {recording: t('recordings.recording'), interrupted: t('recordings.interrupted')};
  const facts = [started, clock(row.duration_ms), states[row.state]].filter(Boolean).join(' · ');
  const box = el('div', {});
  const toggle = el('button', {type: 'button', class: 'quiet wide room-row', 'aria-expanded': 'false', onclick: async () => {
    const opening = toggle.getAttribute('aria-expanded') === 'false';
    toggle.setAttribute('aria-expanded', opening);
    if (!opening) return box.lastChild.remove();
    try {
      box.append(await details(row, refresh));
    } catch (error) {
      toast(error.message, 'bad');
      toggle.setAttribute('aria-expanded', false);
    }
  }}, el('span', {class: 'name'}, row.room), el('span', {class: 'hint'}, facts));
  box.append(toggle);
  return box;
}

async function load(offset) {
  const query = new URLSearchParams({limit: kPage, offset});
  if (room.value.trim()) query.set('room', room.value.trim());
  if (from.value) query.set('from', from.value);
  if (to.value) query.set('to', `${to.value}T23:59:59Z`);
  try {
    const {recordings, total} = await ask('GET', `/recordings?${query}`);
    note.textContent = total === 0 ? t('recordings.none') : t('recordings.count', {count: total});
    list.replaceChildren(...recordings.map((row) => rowView(row, () => load(offset))));
    const turn = (label, at) => el('button', {type: 'button', class: 'quiet', onclick: () => load(at)}, t(label));
    pages.replaceChildren(...[offset > 0 && turn('recordings.newer', Math.max(offset - kPage, 0)),
      offset + kPage < total && turn('recordings.older', offset + kPage)].filter(Boolean));
  } catch (error) {
    note.textContent = error.status === undefined ? t('error.unreachable') : error.message;
  }
}
load(0);
