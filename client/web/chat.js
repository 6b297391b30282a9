// The chat line: text only, seen by those who are in the room now.

import {el, icon, toast} from './dom.js';
import {t} from './strings.js';

const kMaxLines = 500;
const kMaxText = 600;  // UTF-16 units, at most 3 bytes each; the server takes 2000 bytes

export class Chat {
  unread = 0;

  constructor(call, changed) {
    this.call = call;
    this.changed = changed;
    this.lines = el('ol', {class: 'lines', 'aria-live': 'polite', 'aria-label': t('chat.title'), tabindex: 0},
      el('li', {class: 'hint'}, t('chat.empty')));
    this.input = el('input', {id: 'chat-text', maxlength: kMaxText, autocomplete: 'off', placeholder: t('chat.write'),
      'aria-label': t('chat.write')});
    this.view = el('aside', {class: 'chat', hidden: true, 'aria-label': t('chat.title'), onkeydown: (event) => {
      if (event.key === 'Escape') this.open(false);
    }},
    el('div', {class: 'chat-head'}, el('h2', {}, t('chat.title')),
      el('button', {type: 'button', class: 'icon-button', 'aria-label': t('chat.close'), onclick: () => this.open(false)},
        icon('close'))),
    this.lines,
    el('form', {class: 'chat-form', onsubmit: (event) => this.#send(event)}, this.input,
      el('button', {type: 'submit', class: 'icon-button accent', 'aria-label': t('chat.send')}, icon('send'))));
    this.hear = ({detail}) => this.#add(detail);
    call.addEventListener('chat', this.hear);
  }

  get isOpen() {
    return !this.view.hidden;
  }
  open(wanted) {
    this.view.hidden = !wanted;
    if (wanted) {
      this.unread = 0;
      this.input.focus();
      this.lines.scrollTop = this.lines.scrollHeight;
    }
    this.changed();
  }

  async #send(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (text === '') return;
    try {
      await this.call.request('chat', {text});
      this.input.value = '';
    } catch (error) {
      toast(error.message, 'bad');
    }
  }

  #add({participant, name, text}) {
    const atEnd = this.lines.scrollTop + this.lines.clientHeight > this.lines.scrollHeight - 40;
    const mine = participant === this.call.self;
    const time = new Date().toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'});
    this.lines.querySelector('.hint')?.remove();
    this.lines.append(el('li', {class: mine ? 'mine' : ''},
      el('span', {class: 'who'}, mine ? t('room.you') : name), el('time', {}, time), el('p', {}, text)));
    while (this.lines.children.length > kMaxLines) this.lines.firstChild.remove();
    if (atEnd) this.lines.scrollTop = this.lines.scrollHeight;
    if (!this.isOpen && !mine) {
      ++this.unread;
      toast(`${name}: ${text.length > 80 ? `${text.slice(0, 80)}…` : text}`);
    }
    this.changed();
  }

  destroy() {
    this.call.removeEventListener('chat', this.hear);
  }
}
