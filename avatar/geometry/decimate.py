"""Fewer triangles, of even size, for meshes finer than anything here can show.

Vertices that the surface connects within a cell of a grid become one (Rossignac, Borrel 1993,
"Multi-resolution 3D approximations for rendering complex scenes"; that they must be connected keeps
lips that touch apart). Triangles of even size, unlike those of edge collapses, keep colours where
the surface is flat.
"""

from dataclasses import dataclass

import numpy as np
import torch

from avatar.geometry.coloured import ColouredMesh, Paint, colours_at
from avatar.geometry.edges import directed_edges, pieces
from avatar.geometry.triangle_mesh import Mesh, face_areas
from avatar.geometry.vectors import Floats, Ints

MOST = 300_000
"""Triangles of a mesh to fit or to draw: sides of 1 to 2 mm on a head with its shoulders."""
COARSER = 1.05  # least factor from one size of cells to the next
BATCH = 1 << 18  # triangles whose colours are looked up at a time


@dataclass(frozen=True)
class _Clusters:
    label: Ints  # [V] the new vertex that each vertex belongs to
    sizes: Ints  # [v] how many belong to each
    vertices: Floats  # [v, 3] their means
    faces: Ints  # [m, 3]
    parents: Ints  # [m] the triangle that each was


def decimated_mesh(mesh: Mesh, most: int = MOST) -> Mesh:
    """A mesh with no more than `most` triangles; the same one where it has no more."""
    if len(mesh.faces) <= most:
        return mesh
    return _mesh(mesh, _clusters(mesh, most))


def decimated(scan: ColouredMesh, most: int = MOST) -> ColouredMesh:
    """The same of a coloured mesh.

    A triangle that stays what it was keeps its paint, the others get the mean colours of what was
    joined at their corners.
    """
    if len(scan.mesh.faces) <= most:
        return scan
    found = _clusters(scan.mesh, most)
    old = scan.paint.of(found.parents)
    kept = (found.sizes[found.faces] == 1).all(1)  # [m]
    rgb = _mean_colours(scan, found)[found.faces]
    paint = Paint(
        np.where(kept[:, None, None], old.rgb, rgb),
        old.uv,
        np.where(kept, old.texture, -1),
        old.textures,
    )
    return ColouredMesh(_mesh(scan.mesh, found), paint)


def _mesh(mesh: Mesh, found: _Clusters) -> Mesh:
    vertices = torch.from_numpy(found.vertices).to(mesh.vertices.dtype)
    return Mesh(vertices, torch.from_numpy(found.faces))


def _clusters(mesh: Mesh, most: int) -> _Clusters:
    """The finest clusters of the sizes tried that leave no more than `most` triangles."""
    vertices, faces = mesh.vertices.double().numpy(), mesh.faces.numpy()
    least = max(1e-6 * np.ptp(vertices, axis=0).max(), 1e-30)  # or cells have no numbers
    cell = max(np.sqrt(2 * face_areas(vertices, faces).sum() / most), least)
    while True:
        label = _labels(vertices, faces, cell)
        joined, parents = _distinct(label[faces])
        if len(joined) <= most:
            break
        cell *= max(COARSER, np.sqrt(len(joined) / most))
    used, joined = np.unique(joined, return_inverse=True)
    sizes = np.bincount(label)
    sums = [np.bincount(label, along) for along in vertices.T]
    number = np.full(len(sizes), -1)
    number[used] = np.arange(len(used))
    means = np.stack(sums, axis=1) / np.maximum(sizes, 1)[:, None]
    return _Clusters(number[label], sizes[used], means[used], joined.reshape(-1, 3), parents)


def _labels(vertices: Floats, faces: Ints, cell: float) -> Ints:
    """[V] the number of the connected vertices in one cell that each belongs to."""
    grid = ((vertices - vertices.min(0)) / cell).astype(np.int64)  # [V, 3]
    size = grid.max(0) + 1
    cells = (grid[:, 0] * size[1] + grid[:, 1]) * size[2] + grid[:, 2]
    edges = directed_edges(faces)
    within = edges[cells[edges[:, 0]] == cells[edges[:, 1]]]
    return pieces(within, len(vertices))


def _distinct(faces: Ints) -> tuple[Ints, Ints]:
    """Triangles [m, 3] of three corners, each once, and which they were [m]."""
    parents = np.flatnonzero((faces != np.roll(faces, 1, axis=1)).all(1))
    turn = (faces[parents].argmin(1)[:, None] + np.arange(3)) % 3  # the lowest corner first
    turned = np.take_along_axis(faces[parents], turn, axis=1)
    size = int(faces.max(initial=0)) + 1
    keys = (turned[:, 0] * size + turned[:, 1]) * size + turned[:, 2]
    _, first = np.unique(keys, return_index=True)
    return turned[first], parents[first]


def _mean_colours(scan: ColouredMesh, found: _Clusters) -> Floats:
    """[v, 3] over the corners of all triangles at the vertices that became one."""
    total = np.zeros((len(found.vertices) + 1, 4))  # the first for what no triangle is left of
    for start in range(0, len(scan.faces), BATCH):
        triangles = np.arange(start, min(start + BATCH, len(scan.faces)))
        for corner in range(3):
            weights = np.eye(3)[np.full(len(triangles), corner)]
            colours = colours_at(scan.paint, triangles, weights)
            owner = found.label[scan.faces[triangles, corner]] + 1
            for column, values in enumerate((*colours.T, np.ones(len(triangles)))):
                total[:, column] += np.bincount(owner, values, len(total))
    return (total[:, :3] / np.maximum(total[:, 3:], 1))[1:]
