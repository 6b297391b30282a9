// A room's streams to the outside (docs/streaming.md), on the operator's page: what there is, starting and stopping.

import {ask} from './api.js';
import {el, toast} from './dom.js';
import {t} from './strings.js';

const path = (room, id) => `/rooms/${encodeURIComponent(room)}/streams${id === undefined ? '' : `/${encodeURIComponent(id)}`}`;

// null: this server has none to offer.
export async function streamsOf(room) {
  try {
    return (await ask('GET', path(room))).streams;
  } catch {
    return null;
  }
}

export function streamsView(room, streams, refresh) {
  const act = async (method, target, body) => {
    try {
      await ask(method, target, body);
    } catch (error) {
      toast(error.message, 'bad');
    }
    document.activeElement?.blur();
    refresh();
  };
  const rows = streams.map((stream) => el('li', {},
    el('span', {class: 'name'}, stream.url),
    el('span', {class: 'hint'}, [t(`stream.${stream.state}`), stream.cause].filter(Boolean).join(': ')),
    stream.state === 'stopped' ? null : el('button', {type: 'button', class: 'quiet danger',
      onclick: () => act('DELETE', path(room, stream.id))}, t('stream.stop'))));
  const url = el('input', {id: `stream-${room}`, required: true, autocomplete: 'off', placeholder: 'icecast://, rtmp://, srt://, hls:',
    'aria-label': t('stream.url')});
  return el('div', {class: 'streams'}, el('h3', {}, t('stream.title')),
    rows.length > 0 ? el('ul', {class: 'stream-list'}, ...rows) : null,
    el('form', {class: 'chat-form', onsubmit: (event) => {
      event.preventDefault();
      act('POST', path(room), {url: url.value.trim()});
    }}, url, el('button', {type: 'submit', class: 'primary'}, t('stream.start'))));
}
