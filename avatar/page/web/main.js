// The page: an avatar that is turned, moved and heard. Where somebody speaks into it, spoken.js
// stands in the place of recorded.js.

import { covariances, readArrays } from './data.js';
import { Rig } from './rig.js';
import { Painter } from './draw.js';
import { Orbit } from './camera.js';
import { after, headPose } from './motion.js';
import { listenToSource, openSource, showSource } from './recorded.js';
import { fillPanel, find } from './panel.js';
import { listenToKeys, listenToStage } from './stage.js';

const SLOW = 34; // milliseconds a frame above which fewer pixels are drawn
const PATIENCE = 500; // milliseconds that frames may be slow

async function start() {
  const facts = JSON.parse(find('facts').textContent);
  const arrays = await readArrays(find('arrays').textContent, facts.arrays);
  find('arrays').remove();
  const rig = new Rig(arrays);
  const painter = new Painter(find('picture'), rig, covariances(arrays, facts.scales), arrays.opacities, arrays.colours);
  const { motion, clock } = openSource(facts, arrays);
  const orbit = new Orbit(facts.framing);
  const face = Object.fromEntries(facts.units.map((name) => [name, 0]));
  const head = { yaw: 0, pitch: 0, roll: 0 };
  const look = { background: 'studio', light: null };
  const weights = new Float64Array(facts.rows);

  // Paint the Gaussians as they are in a light, by its number; null: in their own.
  function paint(light) {
    if (light === paint.shown) return;
    painter.paint(light === null ? arrays.colours : Uint16Array.from(arrays[`light${light}`], (level) => arrays.levels[level]));
    paint.shown = light;
  }
  paint.shown = null;

  // Move the mesh to a time of the motion, with the panel's face and head on top.
  function move(seconds) {
    weights.fill(0);
    facts.units.forEach((name, row) => (weights[row] = face[name]));
    const turned = headPose(head, facts.pivot);
    if (seconds === null) return rig.move(weights, turned);
    motion.addTo(weights, seconds);
    rig.move(weights, after(motion.pose(seconds), turned));
  }
  const page = { facts, rig, painter, motion, clock, orbit, face, head, look, move, paint };
  window.viewer = Object.assign(page, { snapshot: (view) => snapshot(page, view) });
  live(page);
  document.body.dataset.state = 'ready';
}

// A picture for tests and other scripts: its pixels, of a size and from angles, with a face.
function snapshot({ face, head, look, orbit, painter, move, paint }, { width, height, azimuth = 0, elevation = 0, units = {}, turn = {}, background, seconds = null, light = null }) {
  const { canvas } = painter;
  const kept = [{ ...face }, { ...head }, { azimuth: orbit.azimuth, elevation: orbit.elevation, zoom: orbit.zoom }, canvas.width, canvas.height];
  for (const name in face) face[name] = units[name] ?? 0;
  Object.assign(head, { yaw: 0, pitch: 0, roll: 0, ...turn });
  Object.assign(orbit, { azimuth, elevation, zoom: 1 });
  [canvas.width, canvas.height] = [width, height];
  move(seconds);
  paint(light);
  painter.draw(orbit.at(width, height), background);
  const pixels = painter.pixels();
  Object.assign(face, kept[0]), Object.assign(head, kept[1]), Object.assign(orbit, kept[2]);
  [canvas.width, canvas.height] = kept.slice(3);
  paint(look.light);
  return pixels;
}

function live(page) {
  const { clock, orbit, painter, look, face, head } = page;
  const stage = find('stage'), { canvas } = painter;
  let awake = false, last = 0, sharpness = 1, slow = 0;
  const pace = { shown: 0, since: 0 };

  function wake() {
    if (awake) return;
    awake = true;
    last = performance.now();
    Object.assign(pace, { shown: 0, since: last });
    requestAnimationFrame(frame);
  }

  function frame(now) {
    const seconds = Math.min(0.1, Math.max(0, now - last) / 1000);
    adapt(now - last);
    last = now;
    const moving = orbit.ease(seconds);
    resize();
    page.move(clock ? clock.time : null);
    painter.draw(orbit.at(canvas.width, canvas.height), null);
    tellPace(now);
    showSource(page);
    awake = moving || Boolean(clock?.playing);
    if (awake) requestAnimationFrame(frame);
  }

  // Fewer pixels where a machine is slow: better a soft picture than a jerky one.
  function adapt(milliseconds) {
    slow = milliseconds > SLOW ? slow + milliseconds : Math.max(0, slow - 2 * milliseconds);
    if (slow > PATIENCE && sharpness > 0.5) (sharpness *= 0.8), (slow = 0);
  }

  function resize() {
    const ratio = Math.min(2, devicePixelRatio) * sharpness;
    const [width, height] = [stage.clientWidth, stage.clientHeight].map((size) => Math.max(2, Math.round(size * ratio)));
    if (canvas.width !== width || canvas.height !== height) (canvas.width = width), (canvas.height = height);
  }

  function tellPace(now) {
    pace.shown++;
    if (now - pace.since < 500 || pace.shown < 2) return;
    find('pace').textContent = `${Math.round((1000 * pace.shown) / (now - pace.since))} fps`;
    Object.assign(pace, { shown: 0, since: now });
  }

  const show = () => ((stage.dataset.background = look.background), (stage.style.backgroundColor = look.background === 'studio' ? '' : look.background), page.paint(look.light), wake());
  const refresh = fillPanel(find('panel'), { units: page.facts.units, emotions: page.facts.emotions, lights: page.facts.lights, face, head, look, change: show });
  const openPanel = (open = !document.body.classList.contains('open')) => (document.body.classList.toggle('open', open), wake());
  const full = () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.());
  const help = () => find('help').toggleAttribute('open');
  const save = () => (page.move(clock ? clock.time : null), painter.draw(orbit.at(canvas.width, canvas.height), null), savePicture(canvas, stage));
  listenToStage(canvas, orbit, wake);
  listenToKeys({
    ...listenToSource(page, wake),
    r: () => (orbit.reset(), wake()), f: full, s: save, p: () => openPanel(), '?': help, Escape: () => find('help').removeAttribute('open'),
    1: () => view(0), 2: () => view(35), 3: () => view(80),
  });
  const view = (azimuth) => (orbit.reset(), (orbit.goal.azimuth = azimuth), wake());
  const clicks = { panelButton: () => openPanel(), full, save, helpButton: help, home: () => (orbit.reset(), wake()), closeHelp: help };
  for (const [id, action] of Object.entries(clicks)) find(id).onclick = action;
  new ResizeObserver(wake).observe(stage);
  document.body.classList.toggle('framed', parent !== window);
  openPanel(innerWidth > 900 && parent === window);
  document.body.classList.toggle('mute', !clock);
  Object.assign(page, { refresh, show });
  show();
}

function savePicture(canvas, stage) {
  const whole = document.createElement('canvas');
  [whole.width, whole.height] = [canvas.width, canvas.height];
  const pen = whole.getContext('2d'), style = getComputedStyle(stage);
  pen.fillStyle = style.backgroundColor;
  pen.fillRect(0, 0, whole.width, whole.height);
  if (stage.dataset.background === 'studio') {
    const glow = pen.createRadialGradient(whole.width / 2, 0.4 * whole.height, 0, whole.width / 2, 0.4 * whole.height, 0.8 * Math.max(whole.width, whole.height));
    [[0, '--near'], [1, '--far']].forEach(([place, name]) => glow.addColorStop(place, style.getPropertyValue(name).trim()));
    pen.fillStyle = glow;
    pen.fillRect(0, 0, whole.width, whole.height);
  }
  pen.drawImage(canvas, 0, 0);
  whole.toBlob((blob) => {
    const link = document.createElement('a');
    link.download = `${document.title}.png`;
    link.href = URL.createObjectURL(blob);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

start().catch((error) => {
  document.body.dataset.state = 'failed';
  find('failed').textContent = `${error.message ?? error}`;
  console.error(error);
});
