"""Integrals of the light from DIRECTIONS over one Gaussian: the innermost loops of shading.

A row of visibility is unpacked first, so that the loops vectorise. Reflections are looked up in
prefiltered environment maps.
"""

from typing import NamedTuple

import numpy as np

from avatar.geometry.vectors import Floats, Ints
from avatar.lighting.occlusion import DIRECTIONS
from common.kernels import cached_njit

COUNT, HALF = len(DIRECTIONS), len(DIRECTIONS) // 2
STRAND = 1.25 * 4 / np.pi**2  # under uniform light a strand reflects about 1
STRAND_WRAP = 0.25

inlined = cached_njit(fastmath=True, error_model="numpy", forceinline=True)


@inlined
def row3(values, i):  # pragma: no cover (compiled)
    """Row i of values [N, 3] as scalars: a view of it would cost more than the sums."""
    return values[i, 0], values[i, 1], values[i, 2]


@inlined
def unpack_row(i, rest, opened, opening, visible):  # pragma: no cover (compiled)
    """Put the visibility of Gaussian i, mixed by how far open, into `visible` [D] float32."""
    scale, sixteenth, sixteen = np.float32(1 / 15), np.float32(1 / 16), np.float32(16)
    for k in range(HALF):
        both = np.float32(rest[i, k])
        upper = np.floor(both * sixteenth)
        visible[k], visible[HALF + k] = scale * (both - sixteen * upper), scale * upper
    if opening > 0:
        stays = np.float32(1) - opening
        for k in range(HALF):
            both = np.float32(opened[i, k])
            upper = np.floor(both * sixteenth)
            low = scale * (both - sixteen * upper)
            visible[k] = stays * visible[k] + opening * low
            visible[HALF + k] = stays * visible[HALF + k] + opening * (scale * upper)


@inlined
def on_matt(n, visible, wrap, energy, towards):  # pragma: no cover (compiled)
    """Light [3] reflected by a diffuse surface of normal n [3]; wrap [3]: its widths; energy,
    towards [3, D]: the light."""
    dark, one = np.float32(0), np.float32(1)
    red, green, blue = dark, dark, dark
    x, y, z = n[0], n[1], n[2]
    wrap_r, wrap_g, wrap_b = wrap
    for k in range(COUNT):
        facing = x * towards[0, k] + y * towards[1, k] + z * towards[2, k]
        red += max(facing + wrap_r, dark) * (visible[k] * energy[0, k])
        green += max(facing + wrap_g, dark) * (visible[k] * energy[1, k])
        blue += max(facing + wrap_b, dark) * (visible[k] * energy[2, k])
    by_pi = np.float32(1 / np.pi)
    return (
        red * by_pi / ((one + wrap_r) * (one + wrap_r)),
        green * by_pi / ((one + wrap_g) * (one + wrap_g)),
        blue * by_pi / ((one + wrap_b) * (one + wrap_b)),
    )


@inlined
def on_strand(n, t, visible, energy, towards):  # pragma: no cover (compiled)
    """Light [3] reflected by a strand along t [3] on its side n [3]."""
    dark, one, wrap = np.float32(0), np.float32(1), np.float32(STRAND_WRAP)
    red, green, blue = dark, dark, dark
    for k in range(COUNT):
        facing = n[0] * towards[0, k] + n[1] * towards[1, k] + n[2] * towards[2, k]
        along = t[0] * towards[0, k] + t[1] * towards[1, k] + t[2] * towards[2, k]
        sine = np.sqrt(max(one - along * along, dark))
        light = sine * max(facing + wrap, dark) * visible[k]
        red += light * energy[0, k]
        green += light * energy[1, k]
        blue += light * energy[2, k]
    share = np.float32(STRAND / np.pi / (1 + STRAND_WRAP))
    return red * share, green * share, blue * share


STEEP = 0.05  # least cosine to the viewer that counts


class Mirror(NamedTuple):
    """Prefiltered environment maps, and the DIRECTIONS around each pixel of one."""

    pictures: Floats  # [L, S, S, 3] float32 by roughness, octahedral, in the space of the light
    R_light_world: Floats  # [3, 3] float32
    nearest: Ints  # [S, S, 3] uint8 of DIRECTIONS around each pixel, head space, nearest first
    shares: Floats  # [S, S, 3] float32 of these


@inlined
def times(m, v):  # pragma: no cover (compiled)
    """A matrix [3, 3] times v [3]."""
    return (
        m[0, 0] * v[0] + m[0, 1] * v[1] + m[0, 2] * v[2],
        m[1, 0] * v[0] + m[1, 1] * v[1] + m[1, 2] * v[2],
        m[2, 0] * v[0] + m[2, 1] * v[1] + m[2, 2] * v[2],
    )


@inlined
def reflection(view, n, facing):  # pragma: no cover (compiled)
    """The mirrored view direction; view, n [3]: towards the viewer, and the normal; facing: the
    cosine between them."""
    twice = np.float32(2) * facing
    return twice * n[0] - view[0], twice * n[1] - view[1], twice * n[2] - view[2]


@inlined
def fresnel(facing, least, most):  # pragma: no cover (compiled)
    """The share of light that is reflected, by Schlick's approximation."""
    grazing = np.float32(1) - facing
    square = grazing * grazing
    return least + (most - least) * square * square * grazing


@inlined
def arriving(q, visible, nearest, shares):  # pragma: no cover (compiled)
    """Share of the sky around a direction q [3] of head space that reaches a Gaussian."""
    row, column = _pixel(q, len(nearest))
    total = np.float32(0)
    for corner in range(3):
        total += shares[row, column, corner] * visible[nearest[row, column, corner]]
    return total


@inlined
def nearest_direction(q, nearest):  # pragma: no cover (compiled)
    """Which of DIRECTIONS is nearest to q [3] of head space."""
    row, column = _pixel(q, len(nearest))
    return nearest[row, column, 0]


@inlined
def _pixel(q, size):  # pragma: no cover (compiled)
    """Row and column of the pixel of an octahedral picture that q [3] lies in."""
    row, column = _position(q, size)
    return int(row + np.float32(0.5)), int(column + np.float32(0.5))


@inlined
def _position(q, size):  # pragma: no cover (compiled)
    """Row and column, with fractions, of a direction [3] in an octahedral picture of size²."""
    one, zero = np.float32(1), np.float32(0)
    length = abs(q[0]) + abs(q[1]) + abs(q[2])
    x, y = q[0] / length, q[1] / length
    if q[2] < zero:
        folded_x = one - abs(y)
        folded_y = one - abs(x)
        x, y = folded_x if x >= zero else -folded_x, folded_y if y >= zero else -folded_y
    half, last = np.float32(0.5 * size), np.float32(size - 1.01)
    row, column = (y + one) * half - np.float32(0.5), (x + one) * half - np.float32(0.5)
    return min(max(row, zero), last), min(max(column, zero), last)


@inlined
def looked_up(pictures, level, q):  # pragma: no cover (compiled)
    """The colour of one of octahedral pictures [L, S, S, 3] towards q [3], interpolated."""
    row, column = _position(q, pictures.shape[1])
    top, left = int(row), int(column)
    down, right = row - top, column - left
    r, g, b = np.float32(0), np.float32(0), np.float32(0)
    for y in range(2):
        for x in range(2):
            weight = down if y else np.float32(1) - down
            weight *= right if x else np.float32(1) - right
            row, column = top + y, left + x
            r += weight * pictures[level, row, column, 0]
            g += weight * pictures[level, row, column, 1]
            b += weight * pictures[level, row, column, 2]
    return r, g, b
