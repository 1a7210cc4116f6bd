// Read files of Gaussians with three.js or PlayCanvas's splat-transform; writes as JSON, for every file, the centres and covariances that three.js makes of it, or, of
// splat-transform, the columns of its table.
import fs from 'node:fs';

globalThis.self ??= globalThis;
globalThis.ProgressEvent ??= class extends Event {}; // three.js reads data URIs as a browser does
const [packageName, out, ...files] = process.argv.slice(2);

function bytes(path) {
  const data = fs.readFileSync(path);
  return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
}

async function geometryOf(path) {
  const addon = (name) => import(`three/addons/loaders/${name}.js`);
  if (/\.gl(b|tf)$/.test(path)) {
    const { GLTFLoader } = await addon('GLTFLoader');
    const { GLTFGaussianSplatLoaderExtension } = await addon('GLTFGaussianSplatLoaderExtension');
    const loader = new GLTFLoader();
    loader.register((parser) => new GLTFGaussianSplatLoaderExtension(parser));
    const loaded = await loader.parseAsync(bytes(path), '');
    let found;
    loaded.scene.traverse((node) => (found = node.isGaussianSplat ? node : found));
    return found.splatGeometry;
  }
  const name = { ply: 'GaussianSplatPLYLoader', spz: 'SPZLoader' }[path.split('.').pop()];
  const Loader = (await addon(name))[name];
  return new Loader().parse(bytes(path));
}

async function withThree(path) {
  const geometry = await geometryOf(path);
  const rows = (name) => Array.from(geometry.getAttribute(name).array);
  return { position: rows('position'), covariance: rows('covariance'), color: rows('color') };
}

async function withSplatTransform(path) {
  const library = await import('@playcanvas/splat-transform');
  const options = { iterations: 0, lodSelect: [0], unbundled: false };
  const fileSystem = new library.MemoryReadFileSystem();
  fileSystem.set(path, new Uint8Array(bytes(path)));
  const inputFormat = library.getInputFormat(path);
  const [table] = await library.readFile({ filename: path, inputFormat, options, params: [], fileSystem });
  return Object.fromEntries(table.columns.map((column) => [column.name, Array.from(column.data)]));
}

const read = packageName === 'three' ? withThree : withSplatTransform;
const found = {};
for (const path of files) found[path] = await read(path);
fs.writeFileSync(out, JSON.stringify(found));
