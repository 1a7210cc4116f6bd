// A conversation with the server: what is heard goes there, and what comes back is shown in time.

import { Resampler } from './resample.js';
import { WRONG, openEar } from './ear.js';

const AHEAD = 10, PIECE = 0.5; // seconds of a recording that are sent before they are heard, at a time
const SOUND = 1, HEARD = 2, RATE = 16000;
const VOICE = 0.03, BARGE = 0.2; // loudness of somebody who speaks, and for how many seconds it interrupts
const EARLY = 0.15; // seconds after it was heard that an answer to a voice is shown, at the soonest
const JUDGED = 25; // pieces of motion by whose lateness the delay is set
const SPARE = 0.01, LATE = 1.5; // seconds
const WAITS = 0.8; // seconds of what the microphone heard that may wait on the server; then it skips
const TOLD = 5000; // milliseconds for which it is told that words were skipped

export class Talk {
  // change(): the state, or what is to be told, has changed.
  constructor(motion, change) {
    Object.assign(this, { motion, change, state: 'idle', text: 'Press, and speak', wrong: false, level: 0 });
    this.hears = false; // whether it listens to the microphone while it does not speak with it
    this.settled = this.stopped = 0; // until when, and since when it comes to rest, in milliseconds
  }

  get playing() {
    return this.state !== 'idle' || performance.now() < this.settled;
  }

  // The time that is shown, in seconds of what is said.
  get time() {
    const rests = this.state === 'idle' || (this.state === 'attending' && !this.late.length);
    if (rests) return (performance.now() - this.stopped) / 1000 + 0.5 / this.motion.fps;
    return this.state === 'opening' ? 0 : this.context.currentTime - this.begun - this.slipped();
  }

  // The delay goes over into what lateness asks for, faster up than down.
  slipped() {
    const now = this.context.currentTime, seconds = now - this.eased;
    this.eased = now;
    const wanted = this.late.length ? Math.max(...this.late) + SPARE : this.delay;
    this.delay += Math.max(-0.05 * seconds, Math.min(0.5 * seconds, wanted - this.delay));
    return this.delay;
  }

  say(text, wrong = false) {
    Object.assign(this, { text, wrong });
    this.change();
  }

  // Speak into the microphone.
  async listen() {
    this.hears = false;
    await this.begin('Opening the microphone', async () => {
      this.quiet = 0;
      this.socket.send(`{"type": "keep-up", "behind": ${WAITS}}`);
      this.closeEar = await openEar(this.context, (sound) => this.hear(sound), () => this.stop('The microphone is gone.', true));
      this.say('Listening');
    });
  }

  hear({ pcm, level, begun }) {
    if (this.state === 'opening') Object.assign(this, { state: 'listening', begun });
    this.level = level;
    this.quiet = level < 1e-3 ? this.quiet + 0.04 : 0;
    if (this.quiet > 4 && !this.hinted) (this.hinted = true), this.say('Nothing is heard. Is the microphone muted?');
    if (this.quiet === 0 && this.hinted) (this.hinted = false), this.say('Listening');
    this.send(pcm);
  }

  // Listen to the microphone, or no longer.
  async hearken(does = !this.hears) {
    this.hears = does;
    if (!does) return this.stop();
    await this.begin('Opening the microphone', async () => {
      await this.openBeside();
      this.attend();
    });
  }

  async openBeside() {
    this.spoke = 0;
    const gone = () => ((this.hears = false), this.stop('The microphone is gone.', true));
    this.closeEar = await openEar(this.context, (sound) => this.hearBeside(sound), gone, true);
  }

  // What another says: the avatar listens, and where it speaks itself, it stops.
  hearBeside({ pcm, level }) {
    if (this.state === 'attending') this.level = level;
    const seconds = pcm.byteLength / 2 / RATE;
    this.spoke = this.state === 'playing' ? Math.max(0, this.spoke + (level > VOICE ? seconds : -seconds)) : 0;
    if (this.state === 'playing' && this.spoke >= BARGE) this.attend();
    if (this.state === 'attending') this.begun ??= this.context.currentTime - seconds;
    if (this.state === 'attending' || (this.state === 'playing' && !this.recording.ended)) this.send(pcm, HEARD);
  }

  // From now on it only listens; what it was saying is dropped, and its mouth shuts.
  attend() {
    if (this.state === 'playing') {
      const heard = Math.max(0, Math.round(this.time * RATE)), turn = Math.max(0, this.motion.last);
      this.motion.settle(this.time);
      this.stopped = performance.now();
      this.socket.send(JSON.stringify({ type: 'interrupt', turn, heard }));
      this.endRecording();
      this.context.resume();
    }
    Object.assign(this, { state: 'attending', late: [], delay: 0, begun: null });
    this.motion.leave(() => this.time);
    this.say('Listening to you');
  }

  endRecording() {
    clearInterval(this.recording?.timer);
    if (this.source) (this.source.onended = null), this.source.stop();
    Object.assign(this, { recording: null, source: null });
  }

  // Let it say a recording, which is heard as well.
  async play(file) {
    await this.begin(`Reading ${file.name}`, async () => {
      if (this.hears) await this.openBeside();
      const bytes = await file.arrayBuffer();
      const sound = await this.context.decodeAudioData(bytes).catch(() => { throw new Error(`${file.name}: holds no sound that this browser can read.`); });
      const mono = Float32Array.from({ length: sound.length }, (_, n) => {
        let sum = 0;
        for (let c = 0; c < sound.numberOfChannels; c++) sum += this.channel(sound, c)[n];
        return sum / sound.numberOfChannels;
      });
      this.recording = { sound, mono, name: file.name, sent: 0, resampler: new Resampler(sound.sampleRate), timer: setInterval(() => this.feed(), 100) };
      this.feed();
    });
  }

  channel(sound, number) {
    this.channels = this.channels?.[0] === sound ? this.channels : [sound];
    return (this.channels[number + 1] ??= sound.getChannelData(number));
  }

  // Send what is soon to be heard.
  feed() {
    const { recording } = this, { sound, mono, resampler } = recording;
    const until = (this.state === 'playing' ? this.context.currentTime - this.begun : 0) + AHEAD;
    while (recording.sent < Math.min(until, sound.duration)) {
      const [from, to] = [recording.sent, recording.sent + PIECE].map((seconds) => Math.round(seconds * sound.sampleRate));
      this.send(Resampler.pcm(resampler.push(mono.subarray(from, to))).buffer);
      recording.sent += PIECE;
    }
    if (recording.sent >= sound.duration && !recording.ended) {
      recording.ended = true;
      this.send(Resampler.pcm(resampler.push(new Float32Array(2 * resampler.half))).buffer);
      this.socket.send('{"type": "finish"}');
    }
    if (this.state === 'playing') this.keepTogether();
    if (this.state === 'playing') this.level = loudness(mono, (this.context.currentTime - this.begun) * sound.sampleRate, sound.sampleRate);
  }

  // Where motion comes too slowly, the sound waits for it; the context's time stands still meanwhile.
  keepTogether() {
    const known = this.motion.end / this.motion.fps, whole = this.recording.sound.duration - 0.05;
    const here = this.context.currentTime - this.begun;
    if (known < Math.min(here + 0.25, whole)) this.context.suspend();
    else if (this.context.state === 'suspended' && known > Math.min(here + 0.7, whole)) this.context.resume();
  }

  // The recording begins to be heard.
  startSound() {
    const source = this.context.createBufferSource();
    Object.assign(source, { buffer: this.recording.sound, onended: () => (this.hears ? this.attend() : this.stop()) });
    source.connect(this.context.destination);
    const at = this.context.currentTime + 0.05;
    source.start(at);
    Object.assign(this, { state: 'playing', begun: at + (this.context.outputLatency || 0), source });
    this.say(this.recording.name);
  }

  // Open what is needed; where that fails, say why.
  async begin(text, open) {
    if (this.state !== 'idle') this.stop();
    Object.assign(this, { state: 'opening', late: [], delay: 0, eased: 0, skipped: -Infinity, hinted: false, context: new AudioContext() });
    this.say(text);
    const { context } = this;
    this.motion.meet();
    try {
      await context.resume();
      await this.connect();
      if (this.context === context) await open();
      if (this.context !== context) this.closeEar?.(); // stopped meanwhile
    } catch (error) {
      if (this.context === context) this.stop(WRONG[error.name] ?? error.message, true);
    }
  }

  connect() {
    const address = new URL('live', location.href);
    address.protocol = location.protocol.replace('http', 'ws');
    address.search = location.search;
    const socket = (this.socket = new WebSocket(address));
    socket.binaryType = 'arraybuffer';
    return new Promise((welcome, fail) => {
      let said = null;
      socket.onmessage = ({ data }) => {
        if (typeof data !== 'string') return this.take(data);
        const told = JSON.parse(data);
        if (told.type === 'hello') welcome();
        if (told.type === 'skipped') Object.assign(this, { skipped: performance.now(), late: [] });
        if (told.type === 'refused') said = sentence(told.sentence);
      };
      socket.onclose = () => {
        const reason = said ?? (socket.welcomed ? 'The connection to the server was lost.' : 'The server cannot be reached.');
        fail(new Error(reason));
        if (this.socket === socket && this.state !== 'idle') this.stop(reason, true);
      };
    }).then(() => (socket.welcomed = true));
  }

  take(message) {
    const seconds = this.motion.take(message);
    if (seconds === null || this.state === 'idle') return;
    if (this.state === 'listening' || this.state === 'attending') {
      this.late.push(this.context.currentTime - this.begun - seconds + 0.5 / this.motion.fps);
      if (this.late.length === 1) Object.assign(this, { delay: Math.max(EARLY, this.late[0] + SPARE), eased: this.context.currentTime });
      if (this.late.length > JUDGED) this.late.shift();
    }
    if (this.state === 'listening' && !this.hinted) this.text = this.pace();
    const enough = this.recording && (this.motion.end / this.motion.fps > 1 || this.motion.end / this.motion.fps > this.recording.sound.duration - 0.05);
    if (this.state === 'opening' && enough) this.startSound();
    this.change();
  }

  // How far behind the lips are, and why.
  pace() {
    const behind = `${this.delay.toFixed(1)}\u00a0s behind`;
    if (performance.now() - this.skipped < TOLD) return `Server is busy: words are skipped, ${behind}`;
    return this.delay > LATE ? `Listening, but something is slow: ${behind}` : `Listening, ${behind}`;
  }

  send(pcm, whose = SOUND) {
    if (this.socket.readyState !== WebSocket.OPEN || !pcm.byteLength) return;
    const message = new Uint8Array(1 + pcm.byteLength);
    message[0] = whose;
    message.set(new Uint8Array(pcm), 1);
    this.socket.send(message);
  }

  // Be silent: the mouth shuts at once.
  stop(text = 'Press, and speak', wrong = false) {
    if (this.state !== 'idle') {
      const seconds = this.motion.settle(this.time);
      this.stopped = performance.now();
      this.settled = this.stopped + 1000 * seconds;
    }
    this.state = 'idle';
    this.endRecording();
    this.closeEar?.();
    this.socket?.close();
    this.context?.close();
    Object.assign(this, { closeEar: null, socket: null, context: null, level: 0 });
    this.say(text, wrong);
  }
}

function loudness(samples, place, rate) {
  const part = samples.subarray(Math.max(0, Math.floor(place)), Math.floor(place + 0.05 * rate));
  return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, part.length));
}

function sentence(words) {
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}
