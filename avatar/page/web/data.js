// The arrays of the page: one gzip stream, and a table that says where in it each array lies.

const KINDS = { f4: Float32Array, u4: Uint32Array, u2: Uint16Array, i2: Int16Array, u1: Uint8Array };

export async function readArrays(text, table) {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  const buffer = await new Response(plain).arrayBuffer();
  const arrays = {};
  for (const [name, [offset, kind, count]] of Object.entries(table)) {
    arrays[name] = new KINDS[kind](buffer, offset, count);
  }
  return arrays;
}

// Local covariances [N, 6] (xx xy xz yy yz zz) of Gaussians with 16-bit turns and scales.
export function covariances(arrays, scaleRange) {
  const { turns, scales } = arrays;
  const count = scales.length / 3;
  const [low, high] = scaleRange;
  const found = new Float32Array(count * 6);
  const variance = (place) => Math.exp(2 * (low + ((high - low) * scales[place]) / 65535));
  for (let i = 0; i < count; i++) {
    let [w, x, y, z] = turns.subarray(4 * i, 4 * i + 4);
    const length = Math.hypot(w, x, y, z);
    w /= length, x /= length, y /= length, z /= length;
    const r = [
      1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
      2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
      2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ];
    const a = variance(3 * i), b = variance(3 * i + 1), c = variance(3 * i + 2);
    let place = 6 * i;
    for (let row = 0; row < 3; row++) {
      for (let column = row; column < 3; column++) {
        const p = 3 * row, q = 3 * column;
        found[place++] = a * r[p] * r[q] + b * r[p + 1] * r[q + 1] + c * r[p + 2] * r[q + 2];
      }
    }
  }
  return found;
}
