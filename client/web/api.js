// The HTTP API (docs/http-api.md) for the pages of operators: asks for the key when the server wants one, and keeps it
// until the tab is closed.

import {byId, el} from './dom.js';
import {t} from './strings.js';

const kKey = 'parley.key';

const stored = () => {
  try {
    return sessionStorage.getItem(kKey) ?? '';
  } catch {
    return '';
  }
};

let asking = null;

function askForKey(wasWrong) {
  asking ??= new Promise((resolve) => {
    const input = el('input', {id: 'key', type: 'password', required: true, autocomplete: 'off'});
    const dialog = el('dialog', {'aria-label': t('key.title')},
      el('form', {onsubmit: (event) => {
        event.preventDefault();
        try {
          sessionStorage.setItem(kKey, input.value);
        } catch {
          // Then it is asked for again after the next load.
        }
        dialog.close();
        dialog.remove();
        asking = null;
        resolve(input.value);
      }},
      el('h2', {}, t('key.title')),
      wasWrong ? el('p', {class: 'error', role: 'alert'}, t('key.wrong')) : el('p', {class: 'hint'}, t('key.hint')),
      el('div', {class: 'field'}, el('label', {for: 'key'}, t('key.label')), input),
      el('button', {type: 'submit', class: 'primary wide'}, t('key.ok'))));
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}

export async function call(method, path, body, key = stored()) {
  const headers = {};
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const answer = await fetch(`/api/v1${path}`, {method, headers, body: body === undefined ? undefined : JSON.stringify(body)});
  const text = await answer.text();
  const value = text === '' ? null : JSON.parse(text);
  if (answer.ok) return value;
  const error = new Error(value?.detail ?? answer.statusText);
  error.status = answer.status;
  error.code = value?.code;
  throw error;
}

// Whether this server has such a path at all: what it does not have gets no button.
export async function offers(path) {
  const answer = await fetch(`/api/v1${path}`, {method: 'OPTIONS'}).catch(() => null);
  return answer?.ok ?? false;
}

// As an operator: a missing or wrong key is asked for.
export async function ask(method, path, body) {
  for (;;) {
    try {
      return await call(method, path, body);
    } catch (error) {
      if (error.status !== 401 && error.status !== 403) throw error;
      await askForKey(stored() !== '');
    }
  }
}

export function operatorPage(title, current, ...content) {
  document.title = `${title} · ${t('title')}`;
  const link = (href, text) => el('a', {href, class: 'quiet', 'aria-current': href === current ? 'page' : null}, text);
  const nav = el('nav', {class: 'nav'}, link('/', t('nav.join')), link('/status', t('nav.status')));
  offers('/recordings').then((yes) => yes && nav.append(link('/recordings', t('nav.recordings'))));
  byId('app').replaceChildren(el('div', {class: 'operator'},
    el('header', {class: 'room-head'},
      el('img', {src: '/assets/logo.svg', alt: '', width: 32, height: 32}), el('h1', {}, title), el('span', {class: 'spring'}),
      nav),
    el('main', {class: 'operator-main'}, ...content)));
}
