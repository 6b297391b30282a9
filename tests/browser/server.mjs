// A parley-mcu of this test's own, on free ports, and native clients that join it.

import {spawn, spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export const kRoot = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
export const kBin = process.env.PARLEY_BIN ?? path.join(kRoot, 'build/dev/bin');
export const kOut = process.env.PARLEY_OUT ?? path.join(kRoot, 'build/browser');
fs.mkdirSync(kOut, {recursive: true});

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Asks until the answer is neither null, undefined nor false; then says what was missing.
export async function until(what, ask, time = 15000) {
  const end = Date.now() + time;
  let last;
  while (Date.now() < end) {
    try {
      const answer = await ask();
      if (answer) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await sleep(50);
  }
  throw new Error(`waited ${time} ms in vain: ${what} (last: ${last?.message ?? JSON.stringify(last)})`);
}

const flat = (config) =>
  Object.entries(config).map(([section, keys]) => `${section}:\n` + Object.entries(keys)
    .map(([key, value]) => typeof value === 'object' && !Array.isArray(value)
      ? `  ${key}:\n` + Object.entries(value).map(([k, v]) => `    ${k}: ${JSON.stringify(v)}\n`).join('')
      : `  ${key}: ${JSON.stringify(value)}\n`).join('')).join('');

export class Server {
  #process = null;
  #config;
  #log;

  // config: sections of parley.yaml. A port is free where the configuration says 0.
  static async start(config = {}, name = 'mcu') {
    const server = new Server();
    server.name = name;
    server.config = {...config, http: {listen: '127.0.0.1:0', ...config.http}, media: {listen: '127.0.0.1:0', ...config.media}};
    await server.up();
    return server;
  }

  // Whether this server knows these keys: what it does not have is not tested.
  static takes(config) {
    const file = path.join(kOut, 'check.yaml');
    fs.writeFileSync(file, flat(config));
    return spawnSync(path.join(kBin, 'parley-mcu'), ['--config', file, '--check-config']).status === 0;
  }

  async up() {
    this.#config = path.join(kOut, `${this.name}.yaml`);
    this.#log = path.join(kOut, `${this.name}.log`);
    fs.writeFileSync(this.#config, flat(this.config).replaceAll('"127.0.0.1:', '"127.0.0.1:'));
    const log = fs.openSync(this.#log, 'w');
    this.#process = spawn(path.join(kBin, 'parley-mcu'), ['--config', this.#config], {cwd: kOut, stdio: ['ignore', log, log]});
    fs.closeSync(log);
    const line = await until('the MCU listens', () => {
      if (this.#process.exitCode !== null) throw new Error(fs.readFileSync(this.#log, 'utf8'));
      return /listening: .*?(https?):\/\/(\S+), media on UDP (\S+)/.exec(fs.readFileSync(this.#log, 'utf8'));
    });
    [, this.scheme, this.http, this.media] = line;
    // A restart comes back to the same ports.
    this.config.http.listen = this.http;
    this.config.media.listen = this.media;
    this.url = `${this.scheme}://${this.http}`;
  }

  log() {
    return fs.readFileSync(this.#log, 'utf8');
  }

  async down(signal = 'SIGTERM') {
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    if (this.#process.exitCode !== null) return;
    this.#process.kill(signal);
    await gone;
  }

  async api(method, target, body, key) {
    const headers = body === undefined ? {} : {'Content-Type': 'application/json'};
    if (key) headers.Authorization = `Bearer ${key}`;
    const answer = await fetch(`http://${this.http}/api/v1${target}`, {method, headers, body: body && JSON.stringify(body)});
    const text = await answer.text();
    return {status: answer.status, body: text === '' ? null : JSON.parse(text)};
  }

  // A native client; its lines of --json as they come.
  native(room, args) {
    const client = {lines: [], output: args[args.indexOf('--output') + 1]};
    const where = args.includes('--server') ? [] : ['--server', `http://${this.http}`];
    const child = spawn(path.join(kBin, 'parley'), ['join', room, ...where, '--json', ...args], {stdio: ['ignore', 'pipe', 'inherit']});
    let rest = '';
    child.stdout.on('data', (data) => {
      rest += data;
      const lines = rest.split('\n');
      rest = lines.pop();
      client.lines.push(...lines.filter(Boolean).map((line) => JSON.parse(line)));
    });
    client.stop = async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null) {
        child.kill('SIGINT');
        await gone;
      }
    };
    return client;
  }
}

// 48 kHz, mono, 16 bit: a sine keyed `on` ms in each 500; from 500 on it never stops.
export function toneFile(hz, amplitude = 0.25, seconds = 10, on = 300) {
  const file = path.join(kOut, `tone-${hz}-${on}.wav`);
  const count = 48000 * seconds;
  const data = Buffer.alloc(44 + count * 2);
  data.write('RIFF', 0);
  data.writeUInt32LE(36 + count * 2, 4);
  data.write('WAVEfmt ', 8);
  data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20);
  data.writeUInt16LE(1, 22);
  data.writeUInt32LE(48000, 24);
  data.writeUInt32LE(96000, 28);
  data.writeUInt16LE(2, 32);
  data.writeUInt16LE(16, 34);
  data.write('data', 36);
  data.writeUInt32LE(count * 2, 40);
  for (let i = 0; i < count; ++i) {
    const at = (i / 48) % 500;  // ms within a key of 500
    const ramp = on < 500 ? Math.max(Math.min(at / 10, (on - at) / 10, 1), 0) : 1;
    data.writeInt16LE(Math.round(32767 * amplitude * ramp * Math.sin((2 * Math.PI * hz * i) / 48000)), 44 + i * 2);
  }
  fs.writeFileSync(file, data);
  return file;
}

// The level of a frequency in a WAV of ours, in dBFS of the loudest 100 ms (Goertzel).
export function toneLevel(file, hz, fromSeconds = 0) {
  const wav = fs.readFileSync(file);
  const samples = (wav.length - 44) >> 1;
  const block = 4800;
  let loudest = 0;
  for (let start = Math.round(fromSeconds * 48000); start + block <= samples; start += block) {
    const w = (2 * Math.PI * hz) / 48000;
    let a = 0;
    let b = 0;
    for (let i = 0; i < block; ++i) {
      const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / block);
      const next = (wav.readInt16LE(44 + (start + i) * 2) / 32768) * window + 2 * Math.cos(w) * a - b;
      b = a;
      a = next;
    }
    const power = a * a + b * b - 2 * Math.cos(w) * a * b;
    loudest = Math.max(loudest, Math.sqrt(Math.max(power, 0)) / (block / 4));
  }
  return 20 * Math.log10(Math.max(loudest, 1e-6));
}
