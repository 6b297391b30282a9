// What the page remembers: of this person for ever (localStorage), of this tab until it is closed (sessionStorage).
// Where storage is forbidden it remembers nothing.

function read(storage, key) {
  try {
    return JSON.parse(window[storage].getItem(key)) ?? {};
  } catch {
    return {};
  }
}
function write(storage, key, value) {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, JSON.stringify(value));
  } catch {
    // Private windows may refuse; then the next visit starts from the defaults.
  }
}

const kPerson = 'parley.person';
const kPlace = 'parley.place';
const kPlaceLife = 60_000;  // the server keeps a lost participant's place for a minute

export const person = () => ({echo: true, noise: true, gain: true, direct: true,
  ...read('localStorage', kPerson)});
export const rememberPerson = (change) => write('localStorage', kPerson, {...person(), ...change});

// The place in a room that a reload comes back to: {wish, mic, muted, at}.
export function place(room) {
  const stored = read('sessionStorage', kPlace);
  const fresh = stored.wish?.room === room && Date.now() - stored.at < kPlaceLife;
  return fresh ? stored : null;
}
export const rememberPlace = (stored) => write('sessionStorage', kPlace, {...stored, at: Date.now()});
export const forgetPlace = () => write('sessionStorage', kPlace, null);

// Dark and light follow the system until somebody chooses.
export function applyTheme() {
  const chosen = read('localStorage', kPerson).theme;
  if (chosen) document.documentElement.dataset.theme = chosen;
}
export function toggleTheme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  rememberPerson({theme: dark ? 'light' : 'dark'});
  applyTheme();
}
