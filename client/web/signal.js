// Signalling: one WebSocket, requests that are answered, events that come by themselves (docs/protocol.md).

const kAnswerTime = 8000;

export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Signal extends EventTarget {
  #socket;
  #waiting = new Map();
  #lastId = 0;

  // Resolves when the connection stands.
  static async open(time = 8000) {
    const signal = new Signal();
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    signal.#socket = new WebSocket(`${scheme}://${location.host}/ws`);
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => signal.close(), time);
      signal.#socket.onopen = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.#socket.onclose = () => {
        clearTimeout(timer);
        reject(new Refused('unreachable', 'The server cannot be reached.'));
      };
    });
    signal.#socket.onmessage = (event) => signal.#take(JSON.parse(event.data));
    signal.#socket.onclose = () => signal.#lost();
    return signal;
  }

  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  // The answer; a refusal is thrown.
  request(type, fields = {}, time = kAnswerTime) {
    if (!this.isOpen) return Promise.reject(new Refused('unreachable', 'The connection is lost.'));
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({type, id, ...fields}));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Refused('timeout', 'The server does not answer.'));
      }, time);
      this.#waiting.set(id, {resolve, reject, timer});
    });
  }

  close() {
    this.#socket.close();
  }

  #take(message) {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) {
      this.dispatchEvent(new CustomEvent('event', {detail: message}));
      return;
    }
    this.#waiting.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.type === 'error') waiting.reject(new Refused(message.code, message.message));
    else waiting.resolve(message);
  }

  #lost() {
    for (const {reject, timer} of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new Refused('unreachable', 'The connection is lost.'));
    }
    this.#waiting.clear();
    this.dispatchEvent(new Event('lost'));
  }
}
