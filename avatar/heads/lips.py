"""Bring the lips of a rest face together."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Indices = NDArray[np.integer]

REACH = 0.0045  # metres over which the correction fades away from the line of contact
OVERLAP = 0.0006  # metres by which the lips press into each other behind that line
OVERLAP_DEPTH = 0.003  # metres behind the line at which they press fully


def seal_lips(vertices: Floats, jaw_drop: Floats, upper: Indices, lower: Indices) -> Floats:
    """Close the mouth of a rest face: each pair of inner-lip vertices ends in one point.

    vertices [V, 3] metres; jaw_drop [V] metres: how far `jawOpen` lowers each vertex, which tells
    the lower lip from the upper; upper, lower [P] paired vertices, left to right. The skin around
    follows with a Gaussian falloff, and just behind the line of contact the lips overlap so
    that no light passes. Returns new vertices [V, 3].
    """
    order = np.argsort(vertices[upper, 0])
    contact = (vertices[upper] + vertices[lower])[order] / 2  # [P, 3]
    x_line = contact[:, 0]
    follows_jaw = jaw_drop > _at(x_line, ((jaw_drop[upper] + jaw_drop[lower]) / 2)[order], vertices)
    falloff, behind = _lip_falloff(vertices, x_line, contact)
    sealed = vertices.copy()
    for ring, side, press in ((upper, ~follows_jaw, -OVERLAP), (lower, follows_jaw, OVERLAP)):
        pull = contact - vertices[ring][order]  # [P, 3]
        move = np.stack([_at(x_line, pull[:, axis], vertices) for axis in range(3)], axis=1)
        move[:, 1] += press * behind
        sealed += np.where(side, falloff, 0.0)[:, None] * move
    sealed[upper[order]] = sealed[lower[order]] = contact
    return sealed


def _at(x_line: Floats, values: Floats, vertices: Floats) -> Floats:
    return np.interp(vertices[:, 0], x_line, values)


def _lip_falloff(vertices: Floats, x_line: Floats, contact: Floats) -> tuple[Floats, Floats]:
    """Weights [V]: nearness to the line of contact, and how far behind it a vertex lies."""
    up = vertices[:, 1] - _at(x_line, contact[:, 1], vertices)
    out = vertices[:, 2] - _at(x_line, contact[:, 2], vertices)
    past_corner = np.maximum(np.abs(vertices[:, 0]) - x_line.max(), 0.0)
    reach = np.where(out < 0, 2 * REACH, REACH)  # the lips' inner faces are deeper than their rim
    distance2 = (up / REACH) ** 2 + (out / reach) ** 2 + (past_corner / (0.5 * REACH)) ** 2
    return np.exp(-0.5 * distance2), np.clip(-out / OVERLAP_DEPTH, 0.0, 1.0)
