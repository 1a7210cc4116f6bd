// What time it is in the motion: the sound's own clock, or without sound one that runs by itself.

export class Clock {
  constructor(duration, sound) {
    this.duration = duration;
    this.begun = 0; // seconds in the motion
    this.at = null; // when it began to run from there, in milliseconds
    this.last = { seen: -1, at: 0 };
    if (sound) {
      this.audio = new Audio(URL.createObjectURL(new Blob([sound], { type: 'audio/mp4' })));
      this.audio.preload = 'auto';
    }
  }

  get playing() {
    return this.audio ? !this.audio.paused && !this.audio.ended : this.at !== null;
  }

  get time() {
    if (!this.playing) return this.audio ? Math.min(this.audio.currentTime, this.duration) : this.begun;
    if (!this.audio) return Math.min(this.begun + (performance.now() - this.at) / 1000, this.duration);
    return Math.min(this.smooth(), this.duration);
  }

  // Browsers say the sound's time in steps: between two of them time goes on.
  smooth() {
    const seen = this.audio.currentTime, now = performance.now();
    if (seen !== this.last.seen) this.last = { seen, at: now };
    return seen + Math.min(0.1, (now - this.last.at) / 1000) * this.audio.playbackRate;
  }

  get ended() {
    return this.time >= this.duration - 1e-3;
  }

  async play() {
    if (this.ended) this.seek(0);
    if (this.audio) await this.audio.play();
    else this.at = performance.now();
  }

  pause() {
    const here = this.time;
    if (this.audio) this.audio.pause();
    this.begun = here;
    this.at = null;
  }

  seek(seconds) {
    const there = Math.max(0, Math.min(this.duration, seconds));
    if (this.audio) this.audio.currentTime = there;
    this.begun = there;
    if (this.at !== null) this.at = performance.now();
    this.last = { seen: -1, at: 0 };
  }
}
