// The studio: four steps beside the avatar's own page, which is shown in a frame.

import { find, make, picker, swatch } from './panel.js';
import { Line, addressOf } from './studio_files.js';

const SIZES = { 'Square, 512': [512, 512], 'Square, 1080': [1080, 1080], 'Wide, 1280 × 720': [1280, 720], 'Upright, 720 × 1280': [720, 1280] };
const FEELINGS = ['neutral', 'happy', 'sad', 'angry', 'fear', 'disgust', 'surprise', 'contempt'];
const LIGHTS = ['as it is', 'studio', 'window', 'overcast', 'golden-hour', 'stage', 'night-street'];
const COLOURS = ['#cccccf', '#f4f1ec', '#1c1d22', '#00b140'];
const PICTURES = /\.(jpe?g|png|webp|bmp|tiff?)$/i, AVATARS = /\.(ply|glb)$/i;

const look = { background: COLOURS[0] };
const chosen = { voice: null, told: '' }; // the voice, and the last sentence on an avatar
let state = null, shown = 0, line = null, recorder = null;
let ready = Promise.resolve(); // when the avatar's page is complete

const stage = () => find('frame').contentWindow?.viewer;
const speaks = (clock) => clock && clock.state !== 'idle' && clock.state !== 'attending';
const plain = (name) => name.replace(/\.[^.]*$/, '').replaceAll('_', ' ');

function tellWrong(sentence) {
  find('wrong').hidden = !sentence;
  find('wrong').firstChild.textContent = sentence;
  if (sentence) find('wrong').scrollIntoView({ block: 'nearest' });
}

function tellState(told) {
  state = told;
  if (!state.files.voices.includes(chosen.voice)) chosen.voice = state.files.voices[0];
  fill('avatars', state.files.avatars, state.opening || state.avatar, (name) => line.ask('show', { avatar: name }));
  fill('voices', state.files.voices, chosen.voice, (name) => ((chosen.voice = name), stage()?.clock.stop(), tellState(state)));
  for (const box of document.querySelectorAll('.jobs')) tellJobs(box, state.jobs.filter((job) => job.kind === box.dataset.kind));
  tellFilms();
  tellBackgrounds();
  find('where').textContent = `All files are in ${state.folder}`;
  find('opening').hidden = state.opening === '' || shown === state.version && state.opening !== state.avatar;
  find('opening').lastChild.textContent = `Opening ${plain(state.opening)}`;
  if (state.sentence && state.sentence !== chosen.told) tellWrong(state.sentence);
  chosen.told = state.sentence;
  if (state.version !== shown) showAvatar();
  document.body.dataset.state = 'ready';
}

function fill(id, names, pressed, choose) {
  const text = JSON.stringify([names, pressed]);
  if (find(id).dataset.text === text) return;
  find(id).dataset.text = text;
  find(id).replaceChildren(...names.map((name) => make('button', { className: 'chip', textContent: plain(name), title: name, 'aria-pressed': name === pressed, onclick: () => choose(name) })));
}

function tellJobs(box, jobs) {
  const news = jobs.filter((job) => job.state !== 'done');
  const text = JSON.stringify(news);
  if (box.dataset.text === text) return;
  box.dataset.text = text;
  box.replaceChildren(...news.map((job) => {
    const over = job.state === 'failed' || job.state === 'stopped';
    const told = job.sentence || (job.stage ? `${job.stage}${job.left === null ? '' : `, ${lasting(job.left)} left`}` : 'starting');
    return make('div', { className: `job ${job.state}`, title: job.command },
      make('strong', { textContent: job.title }),
      ...(over ? [] : [make('button', { className: 'text', textContent: 'Stop', onclick: () => line.ask('stop', { job: job.number }) }), make('progress', job.share ? { max: 1, value: job.share } : { max: 1 })]),
      make('span', { textContent: told }));
  }));
}

function lasting(seconds) {
  return seconds < 90 ? `about ${Math.max(1, Math.round(seconds))} s` : `about ${Math.round(seconds / 60)} min`;
}

function tellFilms() {
  const jobOf = (name) => state.jobs.find((job) => job.out === name);
  const names = state.files.films.filter((name) => (jobOf(name)?.state ?? 'done') === 'done');
  if (find('films').dataset.text === JSON.stringify(names)) return;
  const fresh = find('films').dataset.text !== undefined;
  find('films').dataset.text = JSON.stringify(names);
  find('films').replaceChildren(...names.slice(0, 6).map((name, place) => {
    const says = jobOf(name)?.remarks ?? [];
    return make('figure', {},
      ...(place ? [] : [video(name)]),
      make('figcaption', {}, make('span', { textContent: plain(name) }), make('a', { href: addressOf('films', name), download: name, textContent: 'Download .mp4' })),
      ...(place || !says.length ? [] : [make('details', {}, make('summary', { textContent: 'What the film says of itself' }), ...says.map((each) => make('p', { textContent: each })))]));
  }));
  if (fresh && names.length) find('films').scrollIntoView({ block: 'nearest', behavior: 'smooth' });
}

// A film that can be sought in: it is loaded whole.
function video(name) {
  const shown = make('video', { controls: true, playsInline: true });
  fetch(addressOf('films', name)).then((answer) => answer.blob()).then((blob) => (shown.src = URL.createObjectURL(blob)));
  return shown;
}

function tellBackgrounds() {
  const names = state.files.backgrounds, text = JSON.stringify([names, look]);
  if (find('behind').dataset.text === text) return;
  find('behind').dataset.text = text;
  const picture = (name) => {
    const found = swatch('studio', look, () => choose(`picture:${name}`));
    Object.assign(found, { className: 'swatch', title: plain(name), ariaLabel: `Background ${plain(name)}`, ariaPressed: look.background === `picture:${name}` });
    if (PICTURES.test(name)) found.style.background = `center / cover url("${addressOf('backgrounds', name)}")`;
    return found;
  };
  const colours = COLOURS.map((colour) => Object.assign(swatch(colour, look, () => choose(colour)), { ariaPressed: look.background === colour }));
  find('behind').replaceChildren(...colours, picker(look, () => showLook()), ...names.slice(0, 4).map(picture),
    make('button', { className: 'swatch more', textContent: '+', title: 'A picture or a film (or drop one here)', ariaLabel: 'Background of a picture or a film', onclick: () => chooseFile('background', 'image/*,video/*') }));
}

function choose(background) {
  look.background = background;
  tellBackgrounds();
  showLook();
}

// What of the look the avatar's page can show at once: what is behind, and the feeling.
function showLook() {
  const viewer = stage();
  if (!viewer?.show) return;
  const picture = look.background.startsWith('picture:') && look.background.slice(8);
  const canvas = find('frame').contentDocument.getElementById('stage');
  viewer.look.background = picture ? '#777777' : look.background;
  viewer.show();
  canvas.style.backgroundImage = picture && PICTURES.test(picture) ? `url("${addressOf('backgrounds', picture)}")` : '';
  Object.assign(canvas.style, { backgroundSize: 'cover', backgroundPosition: 'center' });
  const weights = viewer.facts.emotions[find('emotion').value] ?? {};
  for (const name of viewer.facts.units) viewer.face[name] = 0.6 * (weights[name] ?? 0);
  viewer.refresh();
  viewer.show();
}

function showAvatar() {
  shown = state.version;
  const address = new URL('avatar', location.href);
  address.search = location.search;
  address.searchParams.set('version', shown);
  ready = new Promise((done) => (find('frame').onload = done)).then(async () => {
    while (find('frame').contentDocument.body?.dataset.state === 'loading') await new Promise((soon) => setTimeout(soon, 50));
    showLook();
  });
  find('frame').src = address;
}

// Let the avatar say the chosen voice, or be silent.
async function say() {
  await ready;
  const viewer = stage();
  if (!viewer) return tellWrong('The avatar is not open yet; wait a moment');
  if (speaks(viewer.clock)) return viewer.clock.stop();
  const answer = await fetch(addressOf('voices', chosen.voice));
  if (!answer.ok) return tellWrong(`${chosen.voice}: is not there any more; choose another voice`);
  viewer.clock.play(new File([await answer.blob()], plain(chosen.voice)));
}

function render() {
  const [width, height] = SIZES[find('size').value];
  const settings = { width: `${width}`, height: `${height}`, background: look.background };
  for (const name of ['emotion', 'light', 'camera', 'crop']) if (find(name).selectedIndex) settings[name] = find(name).value;
  if (find('label').value.trim()) settings.label = find('label').value.trim();
  tellWrong('');
  line.ask('film', { avatar: state.opening || state.avatar, voice: chosen.voice, settings });
}

// A file of the user's, for a step or for the one that it fits.
async function take(file, use = AVATARS.test(file.name) || PICTURES.test(file.name) ? 'avatar' : 'voice') {
  tellWrong('');
  const zone = document.querySelector(`[data-use="${use}"] .drop`);
  const told = await line.upload(file, use, (share) => zone?.style.setProperty('--share', share === null ? '0%' : `${100 * share}%`));
  if (!told) return;
  if (use === 'voice') chosen.voice = told.name; // the state that has it comes next
  if (use === 'background') choose(`picture:${told.name}`);
  if (told.kind === 'avatars') line.ask('show', { avatar: told.name });
  if (told.kind === 'photos') askConsent(file, told.name);
}

function askConsent(file, name) {
  const picture = PICTURES.test(file.name) ? URL.createObjectURL(file) : '';
  find('shown').hidden = !picture;
  find('shown').src = picture;
  find('agreed').checked = false;
  find('ask').dataset.photo = name;
  find('ask').showModal();
}

function makeIt() {
  const until = find('until').value ? `, until ${find('until').value}` : '';
  line.ask('make', { photo: find('ask').dataset.photo, consent: `${find('who').value.trim()}, ${find('what').value.trim()}${until}` });
}

async function record() {
  if (recorder) return recorder.stop();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true }), parts = [];
    recorder = new MediaRecorder(stream);
    const begun = Date.now(), told = find('record').lastChild;
    const timer = setInterval(() => (told.textContent = `Stop (${Math.floor((Date.now() - begun) / 1000)} s)`), 250);
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.onstop = () => {
      clearInterval(timer);
      stream.getTracks().forEach((track) => track.stop());
      const kind = recorder.mimeType.includes('mp4') ? 'm4a' : recorder.mimeType.includes('ogg') ? 'ogg' : 'webm';
      recorder = null;
      find('record').ariaPressed = 'false';
      told.textContent = 'Record';
      take(new File(parts, `my voice.${kind}`), 'voice');
    };
    find('record').ariaPressed = 'true';
    recorder.start();
  } catch {
    tellWrong('The microphone cannot be opened: allow it beside the address, and press again.');
  }
}

function chooseFile(use, accept) {
  const chooser = find('chooser');
  Object.assign(chooser, { accept, value: '', onchange: () => chooser.files[0] && take(chooser.files[0], use) });
  chooser.click();
}

function listenToDrops() {
  const over = (event, is) => (event.preventDefault(), document.body.classList.toggle('over', is));
  document.addEventListener('dragover', (event) => over(event, true));
  document.addEventListener('dragleave', (event) => over(event, event.relatedTarget !== null));
  document.addEventListener('drop', (event) => {
    over(event, false);
    const file = event.dataTransfer.files[0];
    if (file) take(file, event.target.closest?.('[data-use]')?.dataset.use);
  });
}

function start() {
  const options = (id, entries) => find(id).append(...entries.map(([value, textContent]) => make('option', { value, textContent })));
  options('size', Object.keys(SIZES).map((name) => [name, name]));
  options('emotion', FEELINGS.map((name) => [name, name]));
  options('light', LIGHTS.map((name) => [name, name.replace('-', ' ')]));
  const clicks = { say, render, record, makeIt: () => find('ask').querySelector('form').checkValidity() && makeIt(), dropIt: () => find('ask').close(), addAvatar: () => chooseFile('avatar', 'image/*,video/*,.ply,.glb'), addVoice: () => chooseFile('voice', 'audio/*,video/*') };
  for (const [id, action] of Object.entries(clicks)) find(id).onclick = action;
  find('wrong').lastChild.onclick = () => tellWrong('');
  find('emotion').onchange = showLook;
  window.studio = { drop: take };
  listenToDrops();
  line = new Line({ state: tellState, wrong: ({ sentence }) => tellWrong(sentence), refused: ({ sentence }) => tellWrong(sentence) },
    (is) => (document.body.classList.toggle('lost', is), is ? tellWrong('The studio cannot be reached: is the command still running?') : tellWrong('')));
  setInterval(() => {
    const playing = speaks(stage()?.clock);
    find('say').dataset.playing = playing;
    find('say').lastChild.textContent = playing ? 'Stop' : 'Play';
  }, 150);
}

start();
