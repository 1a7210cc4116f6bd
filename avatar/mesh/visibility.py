"""What of a mesh can be seen from outside, and how its vertices hang together."""

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Indices = NDArray[np.integer]
Mask = NDArray[np.bool_]

VIEWS = 40
PIXELS = 400  # width of a view in pixels
THICKNESS = 1.5  # pixels: what lies less than this behind the first surface still counts as seen
LOWEST = -0.6  # sine of the lowest elevation that looks on: from beneath one sees into the neck
GOLDEN_ANGLE = 2.399963229728653  # radians, π (3 - √5)


def point_normals(vertices: Floats, faces: Indices) -> Floats:
    """Smooth unit normals [V, 3]: the mean of the triangles' normals by area."""
    v0, v1, v2 = (vertices[faces[:, corner]] for corner in range(3))
    by_face = np.cross(v1 - v0, v2 - v0)
    total = np.stack(
        [
            np.bincount(faces.ravel(), np.repeat(by_face[:, axis], 3), len(vertices))
            for axis in range(3)
        ],
        axis=1,
    )
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)


def edges_of(faces: Indices) -> tuple[Indices, Indices]:
    """Unique edges [E, 2], lower index first, and how many triangles share each [E]."""
    pairs = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    size = int(pairs.max(initial=0)) + 1
    keys, counts = np.unique(pairs[:, 0] * size + pairs[:, 1], return_counts=True)
    return np.stack([keys // size, keys % size], axis=1), counts


def adjacency(faces: Indices, count: int) -> sp.csr_array:
    """Symmetric [V, V] matrix of ones where two vertices share an edge."""
    edges, _ = edges_of(faces)
    ones = np.ones(len(edges))
    half = sp.coo_array((ones, (edges[:, 0], edges[:, 1])), (count, count))
    return (half + half.T).tocsr()


def boundary_vertices(faces: Indices, count: int) -> Mask:
    """[V] true for the vertices of edges that only one triangle has."""
    edges, counts = edges_of(faces)
    mask = np.zeros(count, bool)
    mask[edges[counts == 1]] = True
    return mask


def seen_faces(vertices: Floats, faces: Indices) -> Mask:
    """[M] true for the triangles whose centre and front are seen from somewhere around and above.

    Hidden are the inside of a closed mouth, the back of eyeballs, their sockets, and inner shells.
    """
    directions = _view_directions()
    centre = (vertices.max(0) + vertices.min(0)) / 2
    radius = np.linalg.norm(vertices - centre, axis=1).max()
    scaled = (vertices - centre) / radius * (PIXELS / 2 - 2)
    return _seen(np.ascontiguousarray(scaled), np.ascontiguousarray(faces, np.int64), directions)


def _view_directions() -> Floats:
    """Axes [D, 3, 3] of views spread evenly over the sphere above LOWEST: right, up, towards."""
    height: Floats = np.linspace(1.0, LOWEST, VIEWS, endpoint=False) + (LOWEST - 1.0) / (2 * VIEWS)
    angle = GOLDEN_ANGLE * np.arange(VIEWS)
    ring: Floats = np.cos(np.arcsin(height))
    towards = np.stack([ring * np.sin(angle), height, ring * np.cos(angle)], axis=1)
    right = np.cross([0.0, 1.0, 0.0], towards)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([right, np.cross(towards, right), towards], axis=1)


@njit(cache=True)
def _seen(vertices, faces, views):
    seen = np.zeros(len(faces), np.bool_)
    nearest = np.empty((PIXELS, PIXELS))
    for view in range(len(views)):
        axes = np.ascontiguousarray(views[view].T)
        at = vertices @ axes
        at[:, :2] += PIXELS / 2
        nearest[:] = -np.inf
        for face in range(len(faces)):
            _draw(nearest, at[faces[face, 0]], at[faces[face, 1]], at[faces[face, 2]])
        for face in range(len(faces)):
            a, b, c = at[faces[face, 0]], at[faces[face, 1]], at[faces[face, 2]]
            if (b[0] - a[0]) * (c[1] - a[1]) <= (b[1] - a[1]) * (c[0] - a[0]):
                continue
            centre = (a + b + c) / 3
            if nearest[int(centre[1]), int(centre[0])] <= centre[2] + THICKNESS:
                seen[face] = True
    return seen


@njit(cache=True)
def _draw(nearest, a, b, c):
    """Keep the nearest depth of a triangle at every pixel centre it covers."""
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    if abs(area) < 1e-12:
        return
    left, right = int(np.floor(min(a[0], b[0], c[0]))), int(np.ceil(max(a[0], b[0], c[0])))
    low, high = int(np.floor(min(a[1], b[1], c[1]))), int(np.ceil(max(a[1], b[1], c[1])))
    for row in range(max(low, 0), min(high, PIXELS)):
        for column in range(max(left, 0), min(right, PIXELS)):
            x, y = column + 0.5, row + 0.5
            v = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) / area
            w = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / area
            if v >= 0 and w >= 0 and v + w <= 1:
                depth = a[2] + v * (b[2] - a[2]) + w * (c[2] - a[2])
                nearest[row, column] = max(nearest[row, column], depth)
