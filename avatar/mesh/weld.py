"""Sew up the seams where a file repeats vertices for the sake of its texture."""

import numpy as np

from avatar.mesh.edges import open_edges, pieces
from avatar.mesh.vectors import Floats, Ints


def welded(vertices: Floats, faces: Ints) -> tuple[Floats, Ints, Ints]:
    """Join triangles whose open edges coincide.

    vertices [V, 3]; faces [M, 3]. Only open edges that run against each other through the same two
    places are joined, so that lips that touch without being one surface stay apart. Returns the
    vertices in use [v, 3], faces [m, 3] without those that lost a corner, and the index of each
    kept triangle [m].
    """
    same = _coinciding(vertices, faces)
    label = pieces(same, len(vertices))
    sewn = label[faces]
    kept = np.flatnonzero((sewn != np.roll(sewn, 1, axis=1)).all(1))
    used, renumbered = np.unique(sewn[kept], return_inverse=True)
    first = np.zeros(label.max() + 1, np.int64)
    first[label[::-1]] = np.arange(len(vertices))[::-1]
    return vertices[first[used]], renumbered.reshape(-1, 3), kept


def _coinciding(vertices: Floats, faces: Ints) -> Ints:
    """Pairs of vertices [P, 2] to make one."""
    edges = open_edges(faces)
    if len(edges) == 0:
        return np.empty((0, 2), np.int64)
    corners, index = np.unique(edges, return_inverse=True)
    _, place = np.unique(vertices[corners], axis=0, return_inverse=True)
    ends = place.reshape(-1)[index.reshape(-1, 2)]  # [E, 2] places
    size = int(ends.max()) + 1
    there, back = ends @ [size, 1], ends @ [1, size]
    order = np.argsort(there, kind="stable")
    first = np.searchsorted(there[order], back, side="left")
    past = np.searchsorted(there[order], back, side="right")
    alone = (past - first == 1) & _once(there)
    partner = edges[order[first[alone]]]
    return np.concatenate([edges[alone][:, [0]], partner[:, [1]]], axis=1)


def _once(keys: Ints) -> np.ndarray:
    """Which keys [E] occur once."""
    _, index, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts[index] == 1
