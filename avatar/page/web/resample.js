// Sound of any rate as sound of 16 kHz, piece by piece; how it is cut up does not matter. Its source
// text is also run beside the page, by ear.js: it uses nothing that is not in here.

export class Resampler {
  constructor(rate) {
    const TO = 16000, CROSSINGS = 24, BETA = 9; // zeros of the sinc on each side; Kaiser's window
    const common = (a, b) => (b ? common(b, a % b) : a);
    this.step = rate / common(rate, TO), this.phases = TO / common(rate, TO); // step/phases in per out
    const cutoff = 0.94 * Math.min(1, TO / rate); // of half of the incoming rate
    this.half = Math.ceil(CROSSINGS / cutoff);
    const bessel = (x) => { let sum = 1, term = 1; for (let k = 1; k < 40; k++) sum += term *= (x / (2 * k)) ** 2; return sum; };
    const weight = (x) => {
      if (Math.abs(x) >= this.half) return 0;
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
      return cutoff * sinc * bessel(BETA * Math.sqrt(1 - (x / this.half) ** 2)) / bessel(BETA);
    };
    this.taps = Array.from({ length: this.phases }, (_, phase) =>
      Float32Array.from({ length: 2 * this.half }, (_, n) => weight(n - this.half + 1 - phase / this.phases)));
    this.held = new Float32Array(this.half - 1); // silence before the beginning
    this.place = 0; // of the next sample, in phases from held[0]
  }

  // Samples that became ready.
  push(sound) {
    const held = new Float32Array(this.held.length + sound.length);
    held.set(this.held);
    held.set(sound, this.held.length);
    const ready = [];
    for (; ; this.place += this.step) {
      const first = Math.floor(this.place / this.phases), taps = this.taps[this.place % this.phases];
      if (first + taps.length > held.length) break;
      let sum = 0;
      for (let n = 0; n < taps.length; n++) sum += taps[n] * held[first + n];
      ready.push(sum);
    }
    const spent = Math.min(held.length, Math.floor(this.place / this.phases));
    this.held = held.slice(spent);
    this.place -= spent * this.phases;
    return Float32Array.from(ready);
  }

  static pcm(samples) {
    return Int16Array.from(samples, (sample) => Math.max(-32768, Math.min(32767, Math.round(32768 * sample))));
  }
}
