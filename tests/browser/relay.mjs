// A UDP relay between browsers and the server's media port that loses datagrams, goes dark, or changes the address a
// browser seems to come from, as a network does. Losses follow a seed.

import dgram from 'node:dgram';

const bound = (socket) => new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));

export class Relay {
  #front = dgram.createSocket('udp4');
  #ways = new Map();  // "address:port" of a client -> socket towards the server
  #seed = 1;
  loss = 0;      // 0 to 1, each direction
  dark = false;  // nothing passes
  server = null;  // {address, port}

  static async open(seed) {
    const relay = new Relay();
    relay.#seed = seed;
    await bound(relay.#front);
    relay.#front.on('message', (data, from) => relay.#inward(data, from));
    return relay;
  }
  get port() {
    return this.#front.address().port;
  }

  #isLost() {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return this.dark || this.#seed / 2 ** 32 < this.loss;
  }

  async #inward(data, from) {
    const key = `${from.address}:${from.port}`;
    let way = this.#ways.get(key);
    if (way === undefined) {
      way = dgram.createSocket('udp4');
      this.#ways.set(key, way);
      way.ready = bound(way);
      way.on('message', (answer) => {
        if (!this.#isLost()) this.#front.send(answer, from.port, from.address);
      });
    }
    await way.ready;
    if (!this.#isLost() && this.#ways.get(key) === way) way.send(data, this.server.port, this.server.address);
  }

  // From now on every client comes from another port, as behind a NAT that lost its table.
  rebind() {
    for (const way of this.#ways.values()) way.close();
    this.#ways.clear();
  }
  close() {
    this.rebind();
    this.#front.close();
  }
}
