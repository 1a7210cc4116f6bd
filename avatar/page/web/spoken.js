// What is shown while somebody speaks: a button, a meter, what the state is and what went wrong.

import { Heard } from './heard.js';
import { Talk } from './talk.js';
import { find, make } from './panel.js';

const BARS = 24, QUIETEST = -60; // decibels

export function openSource(facts, arrays) {
  const motion = new Heard(facts.motion, arrays.restRow);
  return { motion, clock: new Talk(motion, () => {}) };
}

// Wire the controls up; what keys do.
export function listenToSource({ clock }, wake) {
  const speak = () => (clock.state === 'idle' || clock.state === 'attending' ? clock.listen() : clock.state === 'playing' && clock.hears ? clock.attend() : clock.stop());
  clock.change = () => (showSource({ clock }), wake());
  find('play').onclick = speak;
  find('earButton').onclick = () => clock.hearken();
  find('fileButton').onclick = () => find('file').click();
  find('file').onchange = ({ target }) => target.files[0] && (clock.play(target.files[0]), (target.value = ''));
  find('meter').append(...Array.from({ length: BARS }, () => make('i')));
  listenToDrops((file) => (parent.studio ? parent.studio.drop(file) : clock.play(file)));
  return { ' ': speak };
}

export function showSource({ clock }) {
  const told = find('status'), meter = find('meter');
  const level = clock.state === 'idle' ? 0 : Math.max(0, Math.min(1, 1 - (20 * Math.log10(clock.level + 1e-9)) / QUIETEST));
  document.body.dataset.playing = clock.state !== 'idle' && clock.state !== 'attending';
  find('earButton').ariaPressed = clock.hears;
  if (told.textContent !== clock.text) told.textContent = clock.text;
  told.dataset.wrong = clock.wrong;
  meter.setAttribute('aria-valuenow', Math.round(100 * level));
  if (clock.state === 'idle') for (const bar of meter.children) bar.style.setProperty('--level', 0);
  else if (meter.firstChild) {
    meter.append(meter.firstChild);
    meter.lastChild.style.setProperty('--level', level.toFixed(3));
  }
}

function listenToDrops(drop) {
  const over = (event, is) => (event.preventDefault(), document.body.classList.toggle('over', is));
  document.addEventListener('dragover', (event) => over(event, true));
  document.addEventListener('dragleave', (event) => over(event, event.relatedTarget !== null));
  document.addEventListener('drop', (event) => (over(event, false), event.dataTransfer.files[0] && drop(event.dataTransfer.files[0])));
}
