// Coefficients become vertices, triangle frames and an exact order from back to front: the twin of
// avatar/rigging/compiled.py.

const TINY = 1e-12;
const NEAR = 0.01; // metres before the camera
const DIGIT = 65536;

export class Rig {
  constructor(arrays) {
    Object.assign(this, arrays);
    this.vertexCount = arrays.rest.length / 3;
    this.triangleCount = arrays.faces.length / 3;
    this.count = arrays.owner.length;
    this.vertices = new Float32Array(arrays.rest.length);
    this.frames = new Float32Array(this.triangleCount * 16); // 3 rows of R and origin; scale
    this.depths = new Float32Array(this.count);
    this.keys = new Uint32Array(this.depths.buffer); // the bits of a positive float rise with it
    this.order = new Uint32Array(this.count);
    this.halfSorted = new Uint32Array(this.count);
    this.tally = new Uint32Array(DIGIT + 1);
    this.folded = new Float32Array(this.triangleCount * 4);
    this.expression = new Float64Array((arrays.changeSizes?.length ?? 0) / 6); // [K] of how the face moves
    this.moves = new Float32Array(3 * this.expression.length);
    this.tints = new Float32Array(this.moves.length);
    this.stillMeans = arrays.means.slice();
  }

  // weights [K] of the basis's rows; pose: 12 numbers, three rows of a rotation and a shift.
  move(weights, pose) {
    const { vertices, rest, follows, vertexCount } = this;
    vertices.set(rest);
    for (let k = 0; k < weights.length; k++) if (weights[k] !== 0) this.add(k, weights[k]);
    this.express(weights);
    const [a, b, c, x, d, e, f, y, g, h, i, z] = pose;
    for (let v = 0, p = 0; v < vertexCount; v++, p += 3) {
      const share = follows[v];
      if (share === 0) continue;
      const px = vertices[p], py = vertices[p + 1], pz = vertices[p + 2];
      vertices[p] += share * (a * px + b * py + c * pz + x - px);
      vertices[p + 1] += share * (d * px + e * py + f * pz + y - py);
      vertices[p + 2] += share * (g * px + h * py + i * pz + z - pz);
    }
    this.frame();
  }

  // One row of the basis: offsets of the vertices that it moves.
  add(row, weight) {
    const { vertices, movedVertices, movedOffsets, basisStart } = this;
    for (let n = basisStart[row]; n < basisStart[row + 1]; n++) {
      const p = 3 * movedVertices[n];
      vertices[p] += weight * movedOffsets[3 * n];
      vertices[p + 1] += weight * movedOffsets[3 * n + 1];
      vertices[p + 2] += weight * movedOffsets[3 * n + 2];
    }
  }

  // How Gaussians change with the expression: avatar/rigging/blendshapes.py. Its coefficients are
  // linear in the weights, as they count before the head turns. One step of a change then is
  // `moves` [K, 3] of a place, `tints` [K, 3] of a colour.
  express(weights) {
    const { expression, expressions, expressionRadius, changeSizes, moves, tints } = this;
    const count = expression.length;
    if (!count) return;
    expression.fill(0);
    for (let row = 0; row < weights.length; row++) {
      if (weights[row] === 0) continue;
      for (let k = 0; k < count; k++) expression[k] += weights[row] * expressions[row * count + k];
    }
    const share = Math.min(1, expressionRadius[0] / Math.hypot(...expression));
    for (let n = 0; n < 3 * count; n++) {
      const k = Math.floor(n / 3), value = share * expression[k];
      moves[n] = value * changeSizes[3 * k + n], tints[n] = value * changeSizes[3 * k + n + 3];
    }
    this.change();
  }

  // The places that have changed, as the order wants them; the painter changes its own.
  change() {
    const { changing, changes, means, stillMeans, moves, expression: { length: count } } = this;
    for (let i = 0; i < this.count; i++) {
      if (changing[i] === 0) continue;
      let x = 0, y = 0, z = 0;
      for (let k = 0, byte = 8 * count * (changing[i] - 1), n = 0; k < count; k++, byte += 8, n += 3) {
        x += moves[n] * (changes[byte] - 128);
        y += moves[n + 1] * (changes[byte + 1] - 128);
        z += moves[n + 2] * (changes[byte + 2] - 128);
      }
      means[3 * i] = stillMeans[3 * i] + x, means[3 * i + 1] = stillMeans[3 * i + 1] + y, means[3 * i + 2] = stillMeans[3 * i + 2] + z;
    }
  }

  frame() {
    const { vertices: v, faces, frames } = this;
    for (let t = 0, q = 0; t < faces.length; t += 3, q += 16) {
      const a = 3 * faces[t], b = 3 * faces[t + 1], c = 3 * faces[t + 2];
      let ex = v[b] - v[a], ey = v[b + 1] - v[a + 1], ez = v[b + 2] - v[a + 2];
      const ox = v[c] - v[a], oy = v[c + 1] - v[a + 1], oz = v[c + 2] - v[a + 2];
      const length = Math.sqrt(ex * ex + ey * ey + ez * ez + TINY * TINY);
      if (length > 2 * TINY) ex /= length, ey /= length, ez /= length;
      else (ex = 1), (ey = 0), (ez = 0);
      let nx = ey * oz - ez * oy, ny = ez * ox - ex * oz, nz = ex * oy - ey * ox;
      const area = Math.sqrt(nx * nx + ny * ny + nz * nz);
      if (area > TINY) nx /= area, ny /= area, nz /= area;
      else [nx, ny, nz] = perpendicular(ex, ey, ez);
      const bx = ey * nz - ez * ny, by = ez * nx - ex * nz, bz = ex * ny - ey * nx;
      frames[q] = ex, frames[q + 1] = nx, frames[q + 2] = bx;
      frames[q + 4] = ey, frames[q + 5] = ny, frames[q + 6] = by;
      frames[q + 8] = ez, frames[q + 9] = nz, frames[q + 10] = bz;
      for (let k = 0; k < 3; k++) frames[q + 4 * k + 3] = (v[a + k] + v[b + k] + v[c + k]) / 3;
      frames[q + 12] = 0.5 * (length + Math.abs(bx * ox + by * oy + bz * oz));
    }
  }

  // The order from back to front along the camera's forward axis: x y z and a shift. A triangle's
  // frame is folded into the axis first, so a Gaussian's depth is one dot product.
  sort([fx, fy, fz, shift]) {
    const { frames, folded, means, owner, depths, count } = this;
    for (let q = 0, p = 0; p < folded.length; q += 16, p += 4) {
      const scale = frames[q + 12];
      folded[p] = scale * (fx * frames[q] + fy * frames[q + 4] + fz * frames[q + 8]);
      folded[p + 1] = scale * (fx * frames[q + 1] + fy * frames[q + 5] + fz * frames[q + 9]);
      folded[p + 2] = scale * (fx * frames[q + 2] + fy * frames[q + 6] + fz * frames[q + 10]);
      folded[p + 3] = fx * frames[q + 3] + fy * frames[q + 7] + fz * frames[q + 11] + shift;
    }
    for (let i = 0, j = 0; i < count; i++, j += 3) {
      const p = 4 * owner[i];
      const depth = folded[p] * means[j] + folded[p + 1] * means[j + 1] + folded[p + 2] * means[j + 2] + folded[p + 3];
      depths[i] = depth > NEAR ? depth : 0;
    }
    this.byDigit(null, this.halfSorted, 0);
    this.byDigit(this.halfSorted, this.order, 16);
    return this.order;
  }

  // One pass of a radix sort of the depths' bits, the greatest first.
  byDigit(source, target, shift) {
    const { keys, tally, count } = this;
    tally.fill(0);
    for (let i = 0; i < count; i++) tally[DIGIT - ((keys[i] >>> shift) & 0xffff)]++;
    for (let d = 0; d < DIGIT; d++) tally[d + 1] += tally[d];
    for (let n = 0; n < count; n++) {
      const i = source ? source[n] : n;
      target[tally[DIGIT - 1 - ((keys[i] >>> shift) & 0xffff)]++] = i;
    }
  }

  // Where the Gaussians stand [N, 3].
  centres() {
    const found = new Float64Array(3 * this.count);
    for (let i = 0; i < this.count; i++) {
      const q = 16 * this.owner[i], scale = this.frames[q + 12];
      for (let row = 0; row < 3; row++) {
        let turned = 0;
        for (let k = 0; k < 3; k++) turned += this.frames[q + 4 * row + k] * this.means[3 * i + k];
        found[3 * i + row] = scale * turned + this.frames[q + 4 * row + 3];
      }
    }
    return found;
  }
}

function perpendicular(x, y, z) {
  const [ax, ay, az] = [Math.abs(x), Math.abs(y), Math.abs(z)];
  const found = ax <= ay && ax <= az ? [0, z, -y] : ay <= az ? [-z, 0, x] : [y, -x, 0];
  const length = Math.hypot(...found);
  return found.map((value) => value / length);
}
