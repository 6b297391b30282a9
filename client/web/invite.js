// Links to the room: the plain one, and invitations that a moderator signs (docs/http-api.md, "Invitations").

import {call as api} from './api.js';
import {el, icon, toast} from './dom.js';
import {t} from './strings.js';

export async function copyLink(path, done) {
  const link = location.origin + path;
  try {
    await navigator.clipboard.writeText(link);
    toast(done, 'good');
  } catch {
    toast(t('room.copyFailed', {link}));
  }
}

export function openInvitation(call) {
  const role = el('select', {id: 'invite-role'},
    el('option', {value: 'participant'}, t('invite.participant')), el('option', {value: 'moderator'}, t('invite.moderator')));
  const expires = el('select', {id: 'invite-expires'},
    el('option', {value: 3600}, t('invite.hour')), el('option', {value: 86400}, t('invite.day')),
    el('option', {value: 2592000}, t('invite.month')));
  expires.value = 86400;
  const once = el('input', {type: 'checkbox', role: 'switch', id: 'invite-once'});
  const make = async (event) => {
    event.preventDefault();
    const wish = {role: role.value, expires_s: Number(expires.value), once: once.checked};
    try {
      const made = await api('POST', `/rooms/${encodeURIComponent(call.room)}/invitations`, wish, call.token);
      await copyLink(made.path, t('invite.done', {time: new Date(made.expires * 1000).toLocaleString()}));
      dialog.close();
    } catch (error) {
      toast(error.message, 'bad');
    }
  };
  const dialog = el('dialog', {'aria-label': t('invite.title'), onclose: () => dialog.remove()},
    el('form', {onsubmit: make},
      el('div', {class: 'chat-head'}, el('h2', {}, t('invite.title')),
        el('button', {type: 'button', class: 'icon-button', 'aria-label': t('dialog.close'), onclick: () => dialog.close()},
          icon('close'))),
      el('div', {class: 'field'}, el('label', {for: role.id}, t('invite.role')), role),
      el('div', {class: 'field'}, el('label', {for: expires.id}, t('invite.expires')), expires),
      el('div', {class: 'toggle'}, once, el('label', {for: once.id}, t('invite.once'))),
      el('button', {type: 'submit', class: 'primary wide'}, t('invite.make'))));
  document.body.append(dialog);
  dialog.showModal();
}
