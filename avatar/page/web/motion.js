// Coefficients and head poses at any time, between the frames that are known.

export class Motion {
  // rows: which row of the basis each column of the coefficients moves.
  constructor({ fps, frames, rows }, { coefficients, poses }) {
    Object.assign(this, { fps, frames, rows, coefficients, poses });
    this.duration = frames / fps;
  }

  // The two frames round a time, and how far it lies between them; a frame is shown in the middle
  // of what it covers.
  between(seconds) {
    const place = Math.max(0, Math.min(this.frames - 1, seconds * this.fps - 0.5));
    const first = Math.floor(place);
    return [first, Math.min(first + 1, this.frames - 1), place - first];
  }

  addTo(weights, seconds) {
    const [first, second, share] = this.between(seconds);
    const { rows, coefficients } = this, width = rows.length;
    for (let k = 0; k < width; k++) {
      const a = coefficients[first * width + k], b = coefficients[second * width + k];
      weights[rows[k]] += a + share * (b - a);
    }
  }

  // Three rows of a rotation and a shift, 12 numbers.
  pose(seconds) {
    const [first, second, share] = this.between(seconds);
    const blended = new Float64Array(7);
    for (let k = 0; k < 7; k++) {
      const a = this.poses[7 * first + k], b = this.poses[7 * second + k];
      blended[k] = a + share * (b - a);
    }
    const [x, y, z, w] = blended, scale = 2 / (x * x + y * y + z * z + w * w);
    return [
      1 - scale * (y * y + z * z), scale * (x * y - w * z), scale * (x * z + w * y), blended[4],
      scale * (x * y + w * z), 1 - scale * (x * x + z * z), scale * (y * z - w * x), blended[5],
      scale * (x * z - w * y), scale * (y * z + w * x), 1 - scale * (x * x + y * y), blended[6],
    ];
  }
}

// A head turned on its pivot by degrees: roll first, then pitch, then yaw.
export function headPose({ yaw, pitch, roll }, pivot) {
  const [y, p, r] = [yaw, -pitch, roll].map((degrees) => (degrees * Math.PI) / 180);
  const [cy, sy, cp, sp, cr, sr] = [Math.cos(y), Math.sin(y), Math.cos(p), Math.sin(p), Math.cos(r), Math.sin(r)];
  const turn = [
    cy * cr + sy * sp * sr, -cy * sr + sy * sp * cr, sy * cp,
    cp * sr, cp * cr, -sp,
    -sy * cr + cy * sp * sr, sy * sr + cy * sp * cr, cy * cp,
  ];
  return [0, 1, 2].flatMap((row) => {
    const [a, b, c] = turn.slice(3 * row, 3 * row + 3);
    return [a, b, c, pivot[row] - a * pivot[0] - b * pivot[1] - c * pivot[2]];
  });
}

// First the second pose, then the first.
export function after(first, second) {
  const found = [];
  for (let row = 0; row < 12; row += 4) {
    for (let column = 0; column < 4; column++) {
      let sum = column === 3 ? first[row + 3] : 0;
      for (let k = 0; k < 3; k++) sum += first[row + k] * second[4 * k + column];
      found.push(sum);
    }
  }
  return found;
}
