"""Finer triangles on a coarse mesh: where they lie on it."""

from dataclasses import dataclass, replace

import numpy as np

from avatar.mesh.records import concatenated, stacked
from avatar.mesh.vectors import Floats, Ints


@dataclass(frozen=True)
class Tessellation:
    """Triangles each of which lies within one triangle of a coarse mesh."""

    triangles: Ints  # [P] coarse triangle of each point
    weights: Floats  # [P, 3] where on it
    faces: Ints  # [Q, 3] of points
    owners: Ints  # [Q] coarse triangle of each fine one
    corners: Floats  # [Q, 3, 3] weights of its corners on that


def tessellate(triangles: Ints, segments: Ints | int) -> Tessellation:
    """Cut each of the coarse triangles [m] into segments² equal ones; `segments` [m] or a number.

    Points on an edge that two triangles share exist twice, at the same place.
    """
    segments = np.broadcast_to(segments, len(triangles))
    parts = [_uniform(triangles[segments == n], int(n)) for n in np.unique(segments)]
    faces = stacked([part.faces for part in parts], [len(part.triangles) for part in parts])
    return replace(concatenated(parts), faces=faces)


def grid(segments: int) -> tuple[Floats, Ints]:
    """Points [p, 3] of a triangle cut into segments² ones, as weights, and those [q, 3]."""
    steps = [(i, j) for i in range(segments + 1) for j in range(segments + 1 - i)]
    row = {step: index for index, step in enumerate(steps)}
    upright = [(i, j, i + 1, j, i, j + 1) for i, j in steps if i + j < segments]
    turned = [(i + 1, j, i + 1, j + 1, i, j + 1) for i, j in steps if i + j < segments - 1]
    cells = [(row[a, b], row[c, d], row[e, f]) for a, b, c, d, e, f in upright + turned]
    ij = np.array(steps) / segments
    return np.column_stack([1 - ij.sum(1), ij]), np.array(cells)


def _uniform(triangles: Ints, segments: int) -> Tessellation:
    weights, cells = grid(segments)
    count = len(triangles)
    shifts = np.arange(count)[:, None, None] * len(weights)
    return Tessellation(
        triangles=np.repeat(triangles, len(weights)),
        weights=np.tile(weights, (count, 1)),
        faces=(cells[None] + shifts).reshape(-1, 3),
        owners=np.repeat(triangles, len(cells)),
        corners=np.tile(weights[cells], (count, 1, 1)),
    )
