// The panel: gaze and head to drag, emotions and lights to choose, a slider for every unit, what is behind.

const GROUPS = [ // title, which units, and what their labels leave out
  ['Mouth', /^mouth/, 'mouth'], ['Jaw and tongue', /^(jaw|tongue)/, ''], ['Brows', /^brow/, 'brow'],
  ['Eyes', /^eye(?!Look)/, 'eye'], ['Gaze', /^eyeLook/, 'eyeLook'], ['Cheeks and nose', /^(cheek|nose)/, ''],
];
const BEHIND = ['studio', '#cccccf', '#f4f1ec', '#1c1d22', '#00b140'];

export const find = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in found) found[name] = value;
    else found.setAttribute(name, value);
  }
  found.append(...children);
  return found;
}

// units: names of sliders; face: their values by name, head: yaw, pitch, roll; change(): after each.
export function fillPanel(panel, { units, emotions, lights, face, head, look, change }) {
  const refreshers = [];
  const refresh = () => refreshers.forEach((each) => each());
  const changed = () => (refresh(), change());
  const linked = { value: true };

  const clear = () => (units.forEach((name) => (face[name] = 0)), Object.assign(head, { yaw: 0, pitch: 0, roll: 0 }), changed());
  panel.append(
    section('Head and gaze', make('div', { className: 'pads' },
      pad('Gaze', () => gazeOf(face), ([x, y]) => (setGaze(face, x, y), changed()), refreshers),
      pad('Head', () => [head.yaw / 40, head.pitch / 30], ([x, y]) => (Object.assign(head, { yaw: 40 * x, pitch: 30 * y }), changed()), refreshers)),
      slider('Roll', -30, 30, () => head.roll, (value) => ((head.roll = value), changed()), refreshers)),
    section('Emotions', make('div', { className: 'chips' },
      ...Object.entries(emotions).map(([name, weights]) => emotion(name, weights, { units, face, changed, refreshers })))),
    ...(lights.length ? [section('Light', make('div', { className: 'chips' },
      ...[null, ...lights.keys()].map((number) => lamp(number, number === null ? 'its own' : lights[number], { look, changed, refreshers }))))] : []),
    section('Background', make('div', { className: 'chips' }, ...BEHIND.map((colour) => swatch(colour, look, change)), picker(look, change))),
    make('div', { className: 'bar' }, check('Left and right together', linked),
      make('button', { className: 'text', type: 'button', textContent: 'Reset face', onclick: clear })),
    ...GROUPS.map(([title, pattern, prefix]) => group(title, units.filter((name) => pattern.test(name)), prefix, { face, linked, changed, refreshers })),
  );
  refresh();
  return refresh;
}

function emotion(name, weights, { units, face, changed, refreshers }) {
  const wear = () => (units.forEach((unit) => (face[unit] = weights[unit] ?? 0)), changed());
  const chip = make('button', { className: 'chip', type: 'button', textContent: name, onclick: wear });
  refreshers.push(() => chip.setAttribute('aria-pressed', units.every((unit) => face[unit] === (weights[unit] ?? 0))));
  return chip;
}

function lamp(number, name, { look, changed, refreshers }) {
  const shine = () => ((look.light = number), changed());
  const chip = make('button', { className: 'chip', type: 'button', textContent: name.replaceAll('-', ' '), onclick: shine });
  refreshers.push(() => chip.setAttribute('aria-pressed', look.light === number));
  return chip;
}

function section(title, ...children) {
  return make('section', {}, make('h2', { textContent: title }), ...children);
}

function group(title, names, prefix, { face, linked, changed, refreshers }) {
  const set = (name, value) => {
    const other = name.replace(/Left$|Right$/, (side) => (side === 'Left' ? 'Right' : 'Left'));
    face[name] = value;
    if (linked.value && other in face) face[other] = value;
    changed();
  };
  const sliders = names.map((name) => slider(words(name.slice(prefix.length)), 0, 1, () => face[name], (value) => set(name, value), refreshers));
  return make('details', { open: title === 'Mouth' }, make('summary', { textContent: title }), ...sliders);
}

function slider(label, min, max, read, write, refreshers) {
  const told = make('output');
  const input = make('input', { type: 'range', min, max, step: (max - min) / 100, 'aria-label': label, oninput: () => write(+input.value) });
  input.ondblclick = () => write(0);
  refreshers.push(() => {
    const value = read();
    input.value = value;
    const place = (of) => `${(100 * (of - min)) / (max - min)}%`;
    input.style.setProperty('--from', place(Math.min(value, 0)));
    input.style.setProperty('--to', place(Math.max(value, 0)));
    told.textContent = max > 1 ? `${Math.round(value)}°` : Math.round(100 * value);
  });
  return make('label', { className: 'slider' }, make('span', { textContent: label }), input, told);
}

// A square in which a dot is dragged; values from -1 to 1, right and up.
function pad(label, read, write, refreshers) {
  const dot = make('i');
  const square = make('div', { className: 'pad', tabIndex: 0, role: 'application', 'aria-label': `${label}: drag, or arrow keys` }, make('b', { textContent: label }), dot);
  const clamp = (value) => Math.max(-1, Math.min(1, value));
  const drag = (event) => {
    const box = square.getBoundingClientRect();
    write([clamp((2 * (event.clientX - box.left)) / box.width - 1), clamp(1 - (2 * (event.clientY - box.top)) / box.height)]);
  };
  square.onpointerdown = (event) => (square.setPointerCapture(event.pointerId), drag(event));
  square.onpointermove = (event) => square.hasPointerCapture(event.pointerId) && drag(event);
  square.ondblclick = () => write([0, 0]);
  square.onkeydown = (event) => {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y] = read();
    write([clamp(x + step[0]), clamp(y + step[1])]);
  };
  refreshers.push(() => {
    const [x, y] = read();
    dot.style.left = `${50 + 50 * x}%`;
    dot.style.top = `${50 - 50 * y}%`;
  });
  return square;
}

function gazeOf(face) {
  const pair = (a, b) => ((face[a] ?? 0) + (face[b] ?? 0)) / 2;
  return [
    pair('eyeLookOutLeft', 'eyeLookInRight') - pair('eyeLookInLeft', 'eyeLookOutRight'),
    pair('eyeLookUpLeft', 'eyeLookUpRight') - pair('eyeLookDownLeft', 'eyeLookDownRight'),
  ];
}

function setGaze(face, x, y) {
  const both = (a, b, value) => ((face[a] = Math.max(0, value)), (face[b] = Math.max(0, value)));
  both('eyeLookOutLeft', 'eyeLookInRight', x);
  both('eyeLookInLeft', 'eyeLookOutRight', -x);
  both('eyeLookUpLeft', 'eyeLookUpRight', y);
  both('eyeLookDownLeft', 'eyeLookDownRight', -y);
}

export function swatch(colour, look, change) {
  const name = colour === 'studio' ? 'Studio' : colour;
  const found = make('button', { className: `swatch ${colour === 'studio' ? 'studio' : ''}`, type: 'button', title: name, 'aria-label': `Background ${name}`, onclick: () => ((look.background = colour), change()) });
  if (colour !== 'studio') found.style.background = colour;
  return found;
}

export function picker(look, change) {
  const input = make('input', { type: 'color', className: 'swatch', value: '#8899aa', 'aria-label': 'Background of another colour', title: 'Another colour' });
  input.oninput = () => ((look.background = input.value), change());
  return input;
}

function check(label, state) {
  const box = make('input', { type: 'checkbox', checked: state.value, onchange: () => (state.value = box.checked) });
  return make('label', { className: 'check' }, box, label);
}

function words(name) {
  const found = name.replace(/([A-Z])/g, ' $1').trim().toLowerCase();
  return found[0].toUpperCase() + found.slice(1);
}
