"""Split the edges of a coloured mesh; shape and colours stay what they are."""

from collections.abc import Callable

import numpy as np
import torch

from avatar.mesh import Mesh
from avatar.mesh.coloured import ColouredMesh
from avatar.mesh.edges import edge_numbers, edges_of
from avatar.mesh.vectors import Floats, Ints

ROUNDS = 12  # of halving
# Which edges of a triangle are split (bits: 0→1, 1→2, 2→0) → its pieces, where 0 1 2 are its
# corners and 3 4 5 the points on those edges.
_PIECES = {
    0b000: [(0, 1, 2)],
    0b001: [(0, 3, 2), (3, 1, 2)],
    0b010: [(0, 1, 4), (0, 4, 2)],
    0b100: [(0, 1, 5), (5, 1, 2)],
    0b011: [(3, 1, 4), (0, 3, 4), (0, 4, 2)],
    0b110: [(4, 2, 5), (0, 1, 4), (0, 4, 5)],
    0b101: [(0, 3, 5), (3, 1, 2), (3, 2, 5)],
    0b111: [(0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)],
}


def split_edges(scan: ColouredMesh, edges: Ints, shares: Floats) -> ColouredMesh:
    """Put a new vertex on each of the given edges, in their order after the old vertices.

    edges [E, 2] vertex pairs, lower index first, each once; shares [E] in (0, 1): how far along.
    """
    vertices, faces = scan.vertices, scan.faces
    start, end = vertices[edges[:, 0]], vertices[edges[:, 1]]
    added = start + (end - start) * shares[:, None]
    at_end = np.zeros(len(vertices), bool)
    at_end[edges] = True
    touched = at_end[faces].sum(1) >= 2
    whole, broken = np.flatnonzero(~touched), np.flatnonzero(touched)
    points, weights, pattern = _six_points(faces[broken], len(vertices), edges, shares)
    parts = []
    for bits, triangles in _PIECES.items():
        rows = np.flatnonzero(pattern == bits)
        for corners in triangles:
            parts.append((broken[rows], points[rows][:, corners], weights[rows][:, corners]))
    parents, pieces, inside = (np.concatenate(part) for part in zip(*parts, strict=True))
    mesh = Mesh(
        torch.from_numpy(np.concatenate([vertices, added]).astype(vertices.dtype)),
        torch.from_numpy(np.concatenate([faces[whole], pieces])),
    )
    pieced = scan.paint.of_pieces(parents, inside)
    return ColouredMesh(mesh, scan.paint.of(whole).followed_by(pieced))


def refine(scan: ColouredMesh, wanted: Callable[[Floats], Floats]) -> ColouredMesh:
    """Halve edges until none is longer than wanted.

    wanted: points [N, 3] → greatest length [N] of an edge whose middle lies there, metres; inf
    where the mesh may stay as it is.
    """
    for _ in range(ROUNDS):
        coarse = np.isfinite(wanted(scan.vertices))[scan.faces].any(1)
        edges, _ = edges_of(scan.faces[coarse])
        start, end = scan.vertices[edges[:, 0]], scan.vertices[edges[:, 1]]
        longer = np.linalg.norm(end - start, axis=1) > wanted((start + end) / 2)
        if not longer.any():
            break
        scan = split_edges(scan, edges[longer], np.full(int(longer.sum()), 0.5))
    return scan


def _six_points(
    faces: Ints, vertex_count: int, edges: Ints, shares: Floats
) -> tuple[Ints, Floats, Ints]:
    """Of each triangle: corners and points on its edges [M, 6], their barycentric coordinates
    [M, 6, 3], and which of its edges are split [M] as bits."""
    points = np.concatenate([faces, faces], axis=1)
    weights = np.tile(np.concatenate([np.eye(3), np.eye(3)]), (len(faces), 1, 1))
    pattern = np.zeros(len(faces), np.int64)
    for k in range(3):
        pair = faces[:, [k, (k + 1) % 3]]
        number = edge_numbers(edges, pair)
        rows = np.flatnonzero(number >= 0)
        share = shares[number[rows]]
        share = np.where(pair[rows, 0] < pair[rows, 1], share, 1 - share)
        points[rows, 3 + k] = vertex_count + number[rows]
        weights[rows, 3 + k] = np.outer(1 - share, np.eye(3)[k])
        weights[rows, 3 + k] += np.outer(share, np.eye(3)[(k + 1) % 3])
        pattern[rows] += 1 << k
    return points, weights, pattern
