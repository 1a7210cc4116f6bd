// Frames that come while somebody speaks, and what is shown of them at a time.

import { Motion } from './motion.js';

const KEPT = 4096; // frames
const FRAMES = 0x81, HEADER = 16, POSE = 7;
const SHUT = 0.12, SETTLED = 0.6; // seconds in which mouth and head come to rest

const ease = (t) => (t < 1 ? t * t * (3 - 2 * t) : 1);

export class Heard extends Motion {
  constructor({ fps, rows, mouth }, rest) {
    const width = rows.length;
    super({ fps, frames: Infinity, rows }, { coefficients: new Float32Array(KEPT * width), poses: new Float32Array(KEPT * POSE) });
    Object.assign(this, { width, mouth, rest });
    this.begin();
  }

  // Nothing is known but rest.
  begin() {
    this.meet();
    this.first = this.end = 0; // frames that are known: from first to before end
    this.put(this.rest);
  }

  put(row) {
    const place = this.end++ % KEPT;
    this.coefficients.set(row.subarray(0, this.width), place * this.width);
    this.poses.set(row.subarray(this.width), place * POSE);
    this.first = Math.max(this.first, this.end - KEPT);
  }

  // What a server sends; the first frame's time in seconds, null for what is none of ours.
  take(message) {
    const view = new DataView(message);
    if (view.getUint8(0) !== FRAMES) return null;
    const count = view.getUint16(2, true), sample = Number(view.getBigInt64(8, true));
    const frame = Math.floor((sample * this.fps) / 16000 + 1e-6), rows = new Float32Array(message, HEADER);
    if (view.getUint32(4, true) < this.turn || frame < 0) return null; // what was interrupted, and its end, which settle() shows
    if (frame === 0) {
      this.seen = this.from?.() ?? null;
      this.from = null;
      this.first = this.end = 0;
    }
    if (frame < this.end) throw new Error(`A frame came twice: ${frame}`);
    if (frame > this.end) this.hold(frame);
    for (let n = 0; n < count; n++) this.put(this.joined(rows.subarray(n * (this.width + POSE), (n + 1) * (this.width + POSE))));
    this.last = view.getUint32(4, true);
    return frame / this.fps;
  }

  // A connection begins, whose turns are counted from 0.
  meet() {
    Object.assign(this, { turn: 0, last: -1 }); // the first that is shown, the last that came
    this.from = this.seen = null; // what tells the row that is seen; that row, from which a turn goes on
  }

  // From now on later turns are shown, which go on from what is seen at the time that seconds() tells.
  leave(seconds) {
    this.turn = this.last + 1;
    this.from = () => this.row(seconds());
  }

  // A row of a turn that goes on from what was seen.
  joined(row) {
    const share = this.seen ? ease((this.end + 1) / this.fps / SETTLED) : 1;
    return share < 1 ? row.map((value, k) => (k < this.mouth ? value : this.seen[k] + share * (value - this.seen[k]))) : row;
  }

  // What was skipped: the last row stays until a frame.
  hold(frame) {
    const last = (this.end - 1) % KEPT, { width } = this, row = new Float32Array(width + POSE);
    row.set(this.coefficients.subarray(last * width, (last + 1) * width));
    row.set(this.poses.subarray(last * POSE, (last + 1) * POSE), width);
    if (frame - this.end > KEPT) this.end = frame - KEPT;
    while (this.end < frame) this.put(row);
  }

  between(seconds) {
    const place = Math.max(this.first, Math.min(this.end - 1, seconds * this.fps - 0.5));
    const first = Math.floor(place);
    return [first % KEPT, Math.min(first + 1, this.end - 1) % KEPT, place - first];
  }

  // What is shown at a time: coefficients, then a pose.
  row(seconds) {
    const [first, second, share] = this.between(seconds), found = new Float32Array(this.width + POSE);
    const mix = (array, size, k) => array[first * size + k] + share * (array[second * size + k] - array[first * size + k]);
    for (let k = 0; k < this.width; k++) found[k] = mix(this.coefficients, this.width, k);
    for (let k = 0; k < POSE; k++) found[this.width + k] = mix(this.poses, POSE, k);
    return found;
  }

  // From what is shown now to rest, in frames from 0 on; the seconds that this takes.
  settle(seconds) {
    const from = this.row(seconds);
    this.first = this.end = 0;
    for (let n = 0; n <= SETTLED * this.fps; n++) {
      const shares = [ease(n / this.fps / SHUT), ease(n / this.fps / SETTLED)];
      this.put(from.map((value, k) => value + shares[k < this.mouth ? 0 : 1] * (this.rest[k] - value)));
    }
    return this.end / this.fps;
  }
}
