// The microphone: which one, how loud, and what happens when it is pulled out.

export const isSecure = () => navigator.mediaDevices !== undefined;

export async function devices(kind) {
  const all = await navigator.mediaDevices.enumerateDevices();
  return all.filter((device) => device.kind === kind && device.deviceId !== '');
}

export class Microphone extends EventTarget {
  #stream = null;
  #ear = null;  // a copy for the meter, which hears while the other is muted
  #context = null;
  #analyser = null;
  #source = null;
  #samples = new Float32Array(1024);
  #wish = {};

  get track() {
    return this.#stream?.getAudioTracks()[0] ?? null;
  }
  get deviceId() {
    return this.track?.getSettings().deviceId ?? '';
  }

  // wish: {deviceId?, echo, noise, gain}. A device that is gone falls back to the system's default.
  async open(wish) {
    this.#wish = wish;
    const audio = {
      echoCancellation: wish.echo ?? true,
      noiseSuppression: wish.noise ?? true,
      autoGainControl: wish.gain ?? true,
      channelCount: 1,
    };
    if (wish.deviceId) audio.deviceId = {exact: wish.deviceId};
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({audio});
    } catch (error) {
      if (!wish.deviceId || !['OverconstrainedError', 'NotFoundError'].includes(error.name)) throw error;
      delete audio.deviceId;
      stream = await navigator.mediaDevices.getUserMedia({audio});
    }
    this.#take(stream);
    return this.track;
  }

  #take(stream) {
    const enabled = this.track?.enabled ?? true;
    this.#release();
    this.#stream = stream;
    this.track.enabled = enabled;
    // `ended` comes when the device is unplugged or the permission withdrawn, not when we stop it ourselves.
    this.track.onended = () => this.#replace();
    if (this.#context !== null) this.#listen();
  }

  async #replace() {
    try {
      await this.open({...this.#wish, deviceId: undefined});
      this.dispatchEvent(new CustomEvent('replaced', {detail: this.track}));
    } catch {
      this.dispatchEvent(new Event('lost'));
    }
  }

  // RMS of the last 20 ms or so in dBFS, for meters; -Infinity while there is nothing. Also while muted: who talks into a
  // muted microphone wants to be told.
  level() {
    if (this.#analyser === null) return -Infinity;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return 10 * Math.log10(sum / this.#samples.length);
  }

  // Browsers start an AudioContext only after the person has done something on the page.
  startMeter() {
    this.#context ??= new AudioContext();
    if (this.#context.state === 'suspended') this.#context.resume().catch(() => {});
    if (this.#stream !== null && this.#source === null) this.#listen();
  }

  #listen() {
    this.#source?.disconnect();
    this.#ear?.getTracks().forEach((track) => track.stop());
    this.#ear = this.#stream.clone();
    this.#ear.getAudioTracks()[0].enabled = true;
    this.#source = this.#context.createMediaStreamSource(this.#ear);
    this.#analyser ??= new AnalyserNode(this.#context, {fftSize: 1024});
    this.#source.connect(this.#analyser);
  }

  setMuted(muted) {
    if (this.track !== null) this.track.enabled = !muted;
  }

  #release() {
    if (this.track !== null) this.track.onended = null;
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#ear?.getTracks().forEach((track) => track.stop());
    this.#source?.disconnect();
    this.#ear = null;
    this.#source = null;
    this.#stream = null;
  }
  close() {
    this.#release();
    this.#context?.close().catch(() => {});
    this.#context = null;
    this.#analyser = null;
  }
}
