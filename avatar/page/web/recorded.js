// What is played from a recording: the motion of the page, its sound, and the bar that shows both.

import { Clock } from './clock.js';
import { Motion } from './motion.js';
import { find } from './panel.js';

// The motion and its clock; none of both where the page only shows a face.
export function openSource(facts, arrays) {
  if (!facts.motion) return { motion: null, clock: null };
  const motion = new Motion(facts.motion, arrays);
  return { motion, clock: new Clock(motion.duration, arrays.sound) };
}

// Wire the bar up; what keys do.
export function listenToSource({ clock, facts }, wake) {
  if (!clock) return {};
  listenToTrack(clock, wake, facts.loudness);
  const play = () => (clock.playing ? clock.pause() : clock.play(), wake());
  const jump = (seconds) => (clock.seek(clock.time + seconds), wake());
  find('play').onclick = play;
  return { ' ': play, ArrowLeft: () => jump(-2), ArrowRight: () => jump(2), Home: () => jump(-1e9) };
}

export function showSource({ clock }) {
  if (!clock) return;
  const { time, duration } = clock;
  find('now').textContent = minutes(time);
  find('whole').textContent = minutes(duration);
  find('track').style.setProperty('--share', `${(100 * time) / duration}%`);
  find('track').setAttribute('aria-valuenow', time.toFixed(1));
  find('track').setAttribute('aria-valuetext', `${minutes(time)} of ${minutes(duration)}`);
  document.body.dataset.playing = clock.playing;
}

function listenToTrack(clock, wake, loudness) {
  const track = find('track');
  const bars = loudness.map((level, n) => `M${n + 0.5} ${20 - Math.max(0.7, 18 * level)}V${20 + Math.max(0.7, 18 * level)}`).join('');
  for (const path of track.querySelectorAll('path')) path.setAttribute('d', bars);
  for (const picture of track.querySelectorAll('svg')) picture.setAttribute('viewBox', `0 0 ${loudness.length} 40`);
  track.setAttribute('aria-valuemax', clock.duration.toFixed(1));
  const seek = (event) => {
    const box = track.getBoundingClientRect();
    clock.seek((clock.duration * (event.clientX - box.left)) / box.width);
    wake();
  };
  track.onpointerdown = (event) => (track.setPointerCapture(event.pointerId), seek(event));
  track.onpointermove = (event) => track.hasPointerCapture(event.pointerId) && seek(event);
  for (const name of ['play', 'pause', 'ended', 'seeked']) clock.audio?.addEventListener(name, wake);
}

function minutes(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}
