// Elements without markup: whatever people wrote reaches the page as text, never as HTML.

const kSvg = 'http://www.w3.org/2000/svg';

// el('button', {class: 'quiet', onclick: stop, 'aria-label': 'Leave'}, 'Leave'). A property that is null, undefined or
// false is left out; true is an attribute without a value.
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked' || name === 'srcObject') node[name] = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// Strokes on a 24 x 24 grid.
const kPaths = {
  mic: 'M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3Z M5 11a7 7 0 0 0 14 0 M12 18v3',
  'mic-off': 'M9 9v3a3 3 0 0 0 4.5 2.6 M15 11.500V6a3 3 0 0 0-5.9-.7 M5 11a7 7 0 0 0 11 5.7 M19 11a7 7 0 0 1-.6 2.9 M12 18v3 M4 4l16 16',
  hand: 'M8 12V5.500a1.5 1.5 0 0 1 3 0V11 M11 10.500V4a1.5 1.5 0 0 1 3 0v6.5 M14 11V6a1.5 1.5 0 0 1 3 0v8a7 7 0 0 1-7 7c-2.5 0-4-1-5.2-3.200L3.3 14a1.5 1.5 0 0 1 2.5-1.600L8 15',
  chat: 'M4 5h16v11H9l-5 4Z',
  people: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Z M2.5 20a6.5 6.5 0 0 1 13 0 M16 4.500a3.5 3.5 0 0 1 0 6.5 M18 14.500a6.5 6.5 0 0 1 3.5 5.5',
  leave: 'M10 4H5v16h5 M14 8l4 4-4 4 M18 12H9',
  direct: 'M4 12h16 M8 8l-4 4 4 4 M16 8l4 4-4 4',
  lock: 'M6 11h12v9H6Z M8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  unlock: 'M6 11h12v9H6Z M8.5 11V8a3.5 3.5 0 0 1 6.8-1.2',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.700l-1.5 1.5 M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.700l1.5-1.5',
  more: 'M5 12h.01 M12 12h.01 M19 12h.01',
  record: 'M12 17a5 5 0 1 0 0-10 5 5 0 0 0 0 10Z',
  stream: 'M12 13a1 1 0 1 0 0-2 1 1 0 0 0 0 2Z M8.5 15.500a5 5 0 0 1 0-7 M15.5 8.500a5 5 0 0 1 0 7 M5.6 18.400a9 9 0 0 1 0-12.8 M18.4 5.600a9 9 0 0 1 0 12.8',
  settings: 'M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z M12 2.500v3 M12 18.500v3 M2.5 12h3 M18.5 12h3 M5.3 5.300l2.1 2.1 M16.6 16.600l2.1 2.1 M5.3 18.700l2.1-2.1 M16.6 7.400l2.1-2.1',
  theme: 'M20 14.500A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.500Z',
  send: 'M4 12l16-8-6 16-3-6Z',
  close: 'M6 6l12 12 M18 6L6 18',
  signal: 'M5 19v-4 M10 19v-8 M15 19V8 M20 19V4',
  volume: 'M4 10v4h3l5 4V6L7 10Z M16 9a4 4 0 0 1 0 6',
  'volume-off': 'M4 10v4h3l5 4V6L7 10Z M16 10l4 4 M20 10l-4 4',
  download: 'M12 4v11 M7.5 11l4.5 4.5 4.5-4.5 M5 20h14',
  check: 'M5 12.500l4.5 4.500L19 7.5',
};

export function icon(name) {
  const svg = document.createElementNS(kSvg, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', 'icon');
  const path = document.createElementNS(kSvg, 'path');
  path.setAttribute('d', kPaths[name]);
  svg.append(path);
  return svg;
}

export const byId = (id) => document.getElementById(id);

// A line that fades in over the page and is read out by screen readers.
export function toast(text, kind = 'info') {
  const box = byId('toasts');
  while (box.children.length > 2) box.firstChild.remove();
  const line = el('p', {class: `toast ${kind}`}, text);
  box.append(line);
  setTimeout(() => line.remove(), 6000);
}
