// WebGL2: every Gaussian is a rectangle of four vertices, drawn from back to front in one call. The
// numbers are those of splat/scene/conventions.py.

const GAUSSIANS_IN_ROW = 682, TRIANGLES_IN_ROW = 512, ORDER_IN_ROW = 1024, COLOURS_IN_ROW = 2048;

// count: of the coefficients that Gaussians change with.
const vertexShader = (count) => `#version 300 es
precision highp float; precision highp int; precision highp sampler2D; precision highp usampler2D;
uniform sampler2D gaussians, triangles, colours, changes;
uniform vec3 moves[${Math.max(1, count)}], tints[${Math.max(1, count)}];
uniform usampler2D order;
uniform mat4 view;
uniform vec3 eye;
uniform vec2 size;
uniform float focal;
uniform int bands;
out vec2 place;
out vec4 shade;

vec3 coefficient(int i, int k) {
  int count = bands * bands, row = ${COLOURS_IN_ROW} / count;
  return texelFetch(colours, ivec2((i % row) * count + k, i / row), 0).rgb;
}

vec3 change(int slot, int k, int part) {
  int row = ${Math.floor(COLOURS_IN_ROW / Math.max(1, 2 * count))};
  return 255. * texelFetch(changes, ivec2((slot % row) * ${2 * count} + 2 * k + part, slot / row), 0).rgb - 128.;
}

vec3 colour(int i, vec3 d, vec3 tint) {
  vec3 c = 0.28209479 * (coefficient(i, 0) + tint);
  if (bands > 1) {
    c += 0.48860251 * (-d.y * coefficient(i, 1) + d.z * coefficient(i, 2) - d.x * coefficient(i, 3));
  }
  float xx = d.x * d.x, yy = d.y * d.y, zz = d.z * d.z;
  if (bands > 2) {
    c += 1.09254843 * (d.x * d.y * coefficient(i, 4) - d.y * d.z * coefficient(i, 5) - d.x * d.z * coefficient(i, 7));
    c += 0.31539157 * (2. * zz - xx - yy) * coefficient(i, 6) + 0.54627422 * (xx - yy) * coefficient(i, 8);
  }
  if (bands > 3) {
    c += -0.59004359 * (d.y * (3. * xx - yy) * coefficient(i, 9) + d.x * (xx - 3. * yy) * coefficient(i, 15));
    c += 2.89061144 * d.x * d.y * d.z * coefficient(i, 10) + 1.44530572 * d.z * (xx - yy) * coefficient(i, 14);
    c += -0.4570458 * (4. * zz - xx - yy) * (d.y * coefficient(i, 11) + d.x * coefficient(i, 13));
    c += 0.37317633 * d.z * (2. * zz - 3. * xx - 3. * yy) * coefficient(i, 12);
  }
  return max(c + 0.5, 0.);
}

void main() {
  int nth = gl_VertexID >> 2;
  int i = int(texelFetch(order, ivec2(nth % ${ORDER_IN_ROW}, nth / ${ORDER_IN_ROW}), 0).r);
  ivec2 at = ivec2((i % ${GAUSSIANS_IN_ROW}) * 3, i / ${GAUSSIANS_IN_ROW});
  vec4 a = texelFetch(gaussians, at, 0), b = texelFetch(gaussians, at + ivec2(1, 0), 0);
  vec4 c = texelFetch(gaussians, at + ivec2(2, 0), 0);
  vec3 local = a.xyz, tint = vec3(0);
  int slot = int(c.w) - 1;
  for (int k = 0; k < ${count} && slot >= 0; k++) {
    local += moves[k] * change(slot, k, 0);
    tint += tints[k] * change(slot, k, 1);
  }
  int t = int(a.w);
  at = ivec2((t % ${TRIANGLES_IN_ROW}) * 4, t / ${TRIANGLES_IN_ROW});
  vec4 rx = texelFetch(triangles, at, 0), ry = texelFetch(triangles, at + ivec2(1, 0), 0);
  vec4 rz = texelFetch(triangles, at + ivec2(2, 0), 0);
  float scale = texelFetch(triangles, at + ivec2(3, 0), 0).x;
  vec3 world = scale * vec3(dot(rx.xyz, local), dot(ry.xyz, local), dot(rz.xyz, local)) + vec3(rx.w, ry.w, rz.w);
  vec3 seen = (view * vec4(world, 1)).xyz;
  gl_Position = vec4(0, 0, 2, 1);
  float opacity = c.z;
  if (seen.z < 0.01 || opacity < 1. / 255.) return;
  mat3 turned = scale * (mat3(view) * transpose(mat3(rx.xyz, ry.xyz, rz.xyz)));
  mat3 still = mat3(b.x, b.y, b.z, b.y, b.w, c.x, b.z, c.x, c.y);
  mat3 spread = turned * still * transpose(turned);
  vec2 limit = 0.65 * size / focal, slope = clamp(seen.xy / seen.z, -limit, limit);
  float f = focal / seen.z;
  vec3 jx = vec3(f, 0, -f * slope.x), jy = vec3(0, f, -f * slope.y);
  float xx = dot(jx, spread * jx) + 0.3, xy = dot(jx, spread * jy), yy = dot(jy, spread * jy) + 0.3;
  float middle = 0.5 * (xx + yy), apart = length(vec2(0.5 * (xx - yy), xy));
  vec2 along = abs(xy) < 1e-6 ? (xx >= yy ? vec2(1, 0) : vec2(0, 1)) : normalize(vec2(xy, middle + apart - xx));
  float reach = sqrt(2. * log(255. * opacity));
  place = reach * (vec2(gl_VertexID & 1, (gl_VertexID >> 1) & 1) * 2. - 1.);
  vec2 pixel = focal * seen.xy / seen.z + place.x * sqrt(middle + apart) * along
    + place.y * sqrt(max(middle - apart, 1e-4)) * vec2(-along.y, along.x);
  gl_Position = vec4(pixel * vec2(2, -2) / size, 0, 1);
  shade = vec4(colour(i, normalize(world - eye), tint), opacity);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec2 place;
in vec4 shade;
out vec4 drawn;
void main() {
  float alpha = min(0.999, shade.a * exp(-0.5 * dot(place, place)));
  if (alpha < 1. / 255.) discard;
  drawn = vec4(shade.rgb * alpha, alpha);
}`;

export class Painter {
  constructor(canvas, rig, covariances, opacities, coefficients) {
    const settings = { alpha: true, antialias: false, depth: false, premultipliedAlpha: true };
    const gl = canvas.getContext('webgl2', { ...settings, powerPreference: 'high-performance' });
    if (!gl) throw new Error('This browser has no WebGL2.');
    Object.assign(this, { gl, rig, canvas });
    this.program = link(gl, vertexShader(rig.expression.length), FRAGMENT);
    gl.useProgram(this.program);
    this.texture(0, 'gaussians', gl.RGBA32F, 3 * GAUSSIANS_IN_ROW, packed(rig, covariances, opacities), 4);
    this.paint(coefficients);
    this.frames = new Float32Array(rows(rig.triangleCount, TRIANGLES_IN_ROW) * TRIANGLES_IN_ROW * 16);
    this.texture(2, 'triangles', gl.RGBA32F, 4 * TRIANGLES_IN_ROW, this.frames, 4);
    this.order = new Uint32Array(rows(rig.count, ORDER_IN_ROW) * ORDER_IN_ROW);
    this.texture(3, 'order', gl.R32UI, ORDER_IN_ROW, this.order, 1);
    this.texture(4, 'changes', gl.RGBA8, COLOURS_IN_ROW, changesInRows(rig), 4);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, corners(rig.count), gl.STATIC_DRAW);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  // coefficients: of the spherical harmonics of the colours, half floats.
  paint(coefficients) {
    const { gl, rig } = this, bands = Math.sqrt(coefficients.length / 3 / rig.count);
    gl.deleteTexture(this.painted ?? null);
    this.painted = this.texture(1, 'colours', gl.RGBA16F, COLOURS_IN_ROW, padded(coefficients, bands * bands), 4);
    gl.uniform1i(this.at('bands'), bands);
  }

  at(name) {
    return this.gl.getUniformLocation(this.program, name);
  }

  texture(unit, name, inside, width, data, channels) {
    const { gl } = this;
    const height = data.length / channels / width;
    gl.activeTexture(gl.TEXTURE0 + unit);
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texStorage2D(gl.TEXTURE_2D, 1, inside, width, height);
    gl.uniform1i(this.at(name), unit);
    this.upload(unit, inside, width, data, height);
    return texture;
  }

  upload(unit, inside, width, data, height) {
    const { gl } = this;
    const forms = {
      [gl.RGBA32F]: [gl.RGBA, gl.FLOAT], [gl.RGBA16F]: [gl.RGBA, gl.HALF_FLOAT],
      [gl.R32UI]: [gl.RED_INTEGER, gl.UNSIGNED_INT], [gl.RGBA8]: [gl.RGBA, gl.UNSIGNED_BYTE],
    };
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, ...forms[inside], data);
  }

  // background: null leaves what lies behind the canvas; else red, green and blue in 0..1.
  draw(camera, background) {
    const { gl, rig, canvas } = this;
    this.frames.set(rig.frames);
    this.upload(2, gl.RGBA32F, 4 * TRIANGLES_IN_ROW, this.frames, rows(rig.triangleCount, TRIANGLES_IN_ROW));
    if (rig.moves.length) gl.uniform3fv(this.at('moves'), rig.moves), gl.uniform3fv(this.at('tints'), rig.tints);
    this.order.set(rig.sort(camera.forward));
    this.upload(3, gl.R32UI, ORDER_IN_ROW, this.order, rows(rig.count, ORDER_IN_ROW));
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.uniformMatrix4fv(this.at('view'), false, camera.view);
    gl.uniform3fv(this.at('eye'), camera.eye);
    gl.uniform2f(this.at('size'), canvas.width, canvas.height);
    gl.uniform1f(this.at('focal'), camera.focal);
    gl.clearColor(...(background ? [...background, 1] : [0, 0, 0, 0]));
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.drawElements(gl.TRIANGLES, 6 * rig.count, gl.UNSIGNED_INT, 0);
  }

  // The picture's pixels, row by row from the top: right after draw().
  pixels() {
    const { gl, canvas: { width, height } } = this;
    const upside = new Uint8Array(4 * width * height), found = new Uint8ClampedArray(upside.length);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, upside);
    for (let y = 0; y < height; y++) {
      found.set(upside.subarray(4 * width * (height - 1 - y), 4 * width * (height - y)), 4 * width * y);
    }
    return found;
  }
}

function rows(count, inRow) {
  return Math.max(1, Math.ceil(count / inRow));
}

function packed(rig, covariances, opacities) {
  const found = new Float32Array(rows(rig.count, GAUSSIANS_IN_ROW) * GAUSSIANS_IN_ROW * 12);
  for (let i = 0; i < rig.count; i++) {
    found.set(rig.stillMeans.subarray(3 * i, 3 * i + 3), 12 * i);
    found[12 * i + 3] = rig.owner[i];
    found.set(covariances.subarray(6 * i, 6 * i + 6), 12 * i + 4);
    found[12 * i + 10] = opacities[i] / 65535;
    found[12 * i + 11] = rig.changing?.[i] ?? 0;
  }
  return found;
}

function padded(coefficients, count) {
  const inRow = Math.floor(COLOURS_IN_ROW / count), gaussians = coefficients.length / 3 / count;
  const found = new Uint16Array(rows(gaussians, inRow) * COLOURS_IN_ROW * 4);
  for (let i = 0; i < gaussians; i++) {
    const start = 4 * (Math.floor(i / inRow) * COLOURS_IN_ROW + (i % inRow) * count);
    for (let k = 0; k < count; k++) {
      const from = 3 * (i * count + k);
      found.set(coefficients.subarray(from, from + 3), start + 4 * k);
    }
  }
  return found;
}

function changesInRows({ changes, expression }) {
  const long = 8 * expression.length; // bytes of a Gaussian
  if (!long) return new Uint8Array(4 * COLOURS_IN_ROW);
  const inRow = Math.floor((4 * COLOURS_IN_ROW) / long), count = changes.length / long;
  const found = new Uint8Array(rows(count, inRow) * COLOURS_IN_ROW * 4);
  for (let n = 0; n < count; n += inRow) {
    found.set(changes.subarray(n * long, (n + inRow) * long), (n / inRow) * COLOURS_IN_ROW * 4);
  }
  return found;
}

function corners(count) {
  const found = new Uint32Array(6 * count);
  for (let i = 0; i < count; i++) found.set([0, 1, 2, 1, 3, 2].map((corner) => 4 * i + corner), 6 * i);
  return found;
}

function link(gl, vertex, fragment) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  return program;
}
