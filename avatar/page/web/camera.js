// A camera on a sphere round the face, as splat.orbit places it; it zooms by its lens.

const EASE = 14; // of what is left to go, in a second
const STEEPEST = 85;

export class Orbit {
  // framing: target [3], distance and how much of the world a picture's height shows, in metres.
  constructor(framing) {
    this.framing = framing;
    this.reset();
    Object.assign(this, this.goal, { shift: [...this.goal.shift] });
  }

  reset() {
    this.goal = { azimuth: 0, elevation: 0, zoom: 1, shift: [0, 0] };
  }

  turn(azimuth, elevation) {
    this.goal.azimuth += azimuth;
    this.goal.elevation = Math.max(-STEEPEST, Math.min(STEEPEST, this.goal.elevation + elevation));
  }

  zoomBy(factor) {
    this.goal.zoom = Math.max(0.5, Math.min(8, this.goal.zoom * factor));
  }

  // Metres in the picture's plane, right and down.
  pan(right, down) {
    const limit = 0.6 * this.framing.extent;
    this.goal.shift = [right, down].map((step, axis) => Math.max(-limit, Math.min(limit, this.goal.shift[axis] + step)));
  }

  // Go on towards the goal; whether there is still a way to go.
  ease(seconds) {
    const share = 1 - Math.exp(-EASE * seconds);
    const { goal } = this;
    let left = 0;
    for (const name of ['azimuth', 'elevation', 'zoom']) {
      left = Math.max(left, Math.abs(goal[name] - this[name]));
      this[name] += share * (goal[name] - this[name]);
    }
    for (const axis of [0, 1]) {
      left = Math.max(left, 1000 * Math.abs(goal.shift[axis] - this.shift[axis]));
      this.shift[axis] += share * (goal.shift[axis] - this.shift[axis]);
    }
    if (left > 0.02) return true;
    Object.assign(this, goal, { shift: [...goal.shift] });
    return false;
  }

  // Metres that a picture of this shape shows from top to bottom.
  extent(width, height) {
    return (this.framing.extent * Math.max(1, (0.8 * height) / width)) / this.zoom;
  }

  at(width, height) {
    const { target, distance } = this.framing;
    const [a, e] = [this.azimuth, this.elevation].map((degrees) => (degrees * Math.PI) / 180);
    const forward = [-Math.sin(a) * Math.cos(e), -Math.sin(e), -Math.cos(a) * Math.cos(e)];
    const right = [Math.cos(a), 0, -Math.sin(a)];
    const down = cross(forward, right);
    const middle = target.map((value, k) => value - this.shift[0] * right[k] - this.shift[1] * down[k]);
    const eye = middle.map((value, k) => value - distance * forward[k]);
    const rows = [right, down, forward];
    const shifts = rows.map((row) => -dot(row, eye));
    const view = [0, 1, 2].flatMap((column) => [...rows.map((row) => row[column]), 0]);
    return {
      view: [...view, ...shifts, 1],
      eye,
      forward: [...forward, shifts[2]],
      focal: (height * distance) / this.extent(width, height),
    };
  }
}

function cross([a, b, c], [x, y, z]) {
  return [b * z - c * y, c * x - a * z, a * y - b * x];
}

function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
