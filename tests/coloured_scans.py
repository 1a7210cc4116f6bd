"""Scans with known colours: what a scanner sees of anny-head, painted by a formula."""

from pathlib import Path

import numpy as np
import torch
import trimesh
from head_meshes import KnownMesh
from numpy.typing import NDArray

from avatar.geometry.coloured import ColouredMesh, colours_at
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Floats
from avatar.retarget.scan_inner_mouth import plain_paint
from common.kernels import cached_njit
from splat import Camera

SKIN, LIPS, EYES = (
    np.array([0.85, 0.66, 0.56]),
    np.array([0.70, 0.34, 0.34]),
    np.array([0.1, 0.2, 0.9]),
)


def face_colours(points: Floats) -> Floats:
    """sRGB [N, 3] of places in head space: skin, red lips, blue eyes, and soft stripes."""
    x, y, z = points.T * 1000
    lips = np.exp(-((x / 26) ** 4) - ((y + 49) / 10) ** 4) * (z > 75)
    eyes = np.exp(-(((np.abs(x) - 31) / 8) ** 6) - ((y - 18) / 3.2) ** 6) * (z > 70)
    stripes = 1 + 0.08 * np.sin(x / 6) * np.sin(y / 6)
    colours = SKIN * stripes[:, None]
    colours = colours + (LIPS - colours) * lips[:, None]
    return np.clip(colours + (EYES - colours) * eyes[:, None], 0, 1)


def painted(known: KnownMesh) -> ColouredMesh:
    """A mesh made of anny-head, with the colours of its vertices."""
    colours = face_colours(known.mesh.vertices.numpy().astype(float))
    return ColouredMesh(known.mesh, plain_paint(colours[known.mesh.faces.numpy()]))


def grown_together(known: KnownMesh) -> ColouredMesh:
    """The same with vertices that share a place made one, as where a scanner sees closed lips."""
    vertices = known.mesh.vertices.numpy()
    places, number = np.unique(vertices, axis=0, return_inverse=True)
    faces = number.reshape(-1)[known.mesh.faces.numpy()]
    whole = (faces != np.roll(faces, 1, axis=1)).all(1)
    used, faces = np.unique(faces[whole], return_inverse=True)
    colours = face_colours(places[used].astype(float))
    mesh = Mesh(torch.from_numpy(places[used]), torch.from_numpy(faces.reshape(-1, 3)))
    return ColouredMesh(mesh, plain_paint(colours[mesh.faces.numpy()]))


def write_scan(path: Path, scan: ColouredMesh) -> Path:
    """A mesh with one colour to each vertex, in the format that the suffix names."""
    colours = np.zeros((len(scan.vertices), 3))
    colours[scan.faces] = scan.paint.rgb
    if path.suffix == ".glb":  # glTF stores linear light
        colours = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    bytes_ = (colours * 255 + 0.5).astype(np.uint8)
    mesh = trimesh.Trimesh(scan.vertices, scan.faces, vertex_colors=bytes_, process=False)
    mesh.export(path)
    return path


def write_textured_obj(folder: Path, vertices: Floats, faces: NDArray, uv: Floats) -> Path:
    """An .obj whose corners [M, 3] have texture coordinates uv [M, 3, 2] of their own, with its
    material; the texture texture.png is for the caller to write."""
    lines = ["mtllib scan.mtl", "usemtl skin"]
    lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in vertices]
    lines += [f"vt {u:.9g} {v:.9g}" for u, v in uv.reshape(-1, 2)]
    for number, face in enumerate(faces):
        corners = (f"{v + 1}/{3 * number + k + 1}" for k, v in enumerate(face))
        lines.append("f " + " ".join(corners))
    (folder / "scan.mtl").write_text("newmtl skin\nKd 1 1 1\nmap_Kd texture.png\n")
    path = folder / "scan.obj"
    path.write_text("\n".join(lines) + "\n")
    return path


def picture_of(scan: ColouredMesh, camera: Camera, samples: int = 3) -> tuple[Floats, Floats]:
    """A plain z-buffered picture [H, W, 3] of a coloured mesh on black, and its alpha [H, W]."""
    view, lens = camera.viewmat.double().numpy(), camera.K.double().numpy()
    seen = scan.vertices.astype(float) @ view[:3, :3].T + view[:3, 3]
    pixels = (seen[:, :2] / seen[:, 2:]) @ lens[:2, :2].T + lens[:2, 2]
    height, width = camera.height * samples, camera.width * samples
    owner, weights = _nearest(pixels * samples, seen[:, 2].copy(), scan.faces, height, width)
    hit = owner >= 0
    image = np.zeros((height, width, 3))
    image[hit] = colours_at(scan.paint, owner[hit], weights[hit])
    blocks = (camera.height, samples, camera.width, samples)
    return image.reshape(*blocks, 3).mean((1, 3)), hit.reshape(blocks).mean((1, 3))


@cached_njit()
def _nearest(pixels, depth, faces, height, width):
    nearest = np.full((height, width), 1e9)
    owner = -np.ones((height, width), np.int64)
    weights = np.zeros((height, width, 3))
    for f in range(len(faces)):
        a, b, c = faces[f]
        ux, uy = pixels[b, 0] - pixels[a, 0], pixels[b, 1] - pixels[a, 1]
        vx, vy = pixels[c, 0] - pixels[a, 0], pixels[c, 1] - pixels[a, 1]
        area = ux * vy - vx * uy
        if abs(area) < 1e-12:
            continue
        xs = (pixels[a, 0], pixels[b, 0], pixels[c, 0])
        ys = (pixels[a, 1], pixels[b, 1], pixels[c, 1])
        for row in range(max(0, int(min(ys))), min(height, int(max(ys)) + 1)):
            for column in range(max(0, int(min(xs))), min(width, int(max(xs)) + 1)):
                x, y = column + 0.5 - pixels[a, 0], row + 0.5 - pixels[a, 1]
                s, t = (x * vy - vx * y) / area, (ux * y - x * uy) / area
                if s < 0 or t < 0 or s + t > 1:
                    continue
                near = (1 - s - t) / depth[a] + s / depth[b] + t / depth[c]
                if 1 / near < nearest[row, column]:
                    nearest[row, column] = 1 / near
                    owner[row, column] = f
                    weights[row, column, 0] = (1 - s - t) / depth[a] / near
                    weights[row, column, 1] = s / depth[b] / near
                    weights[row, column, 2] = t / depth[c] / near
    return owner, weights
