"""Blend tile lists front to back into pixels."""

import math

import numpy as np
from numba import njit, prange

from splat.conventions import ALPHA_THRESHOLD, MAX_ALPHA, TRANSMITTANCE_STOP
from splat.cpu import fields as f
from splat.cpu.fields import LANES, TILE

CHECK_EVERY = 32  # Gaussians between two looks at whether a tile is opaque already
PIXELS = TILE * TILE
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_P = np.uint64(PIXELS)


@njit(inline="always", fastmath=True)
def exp_negative(power):
    """exp(power) for power <= 0; relative error 3e-6 down to -6, and below the alpha threshold beyond.

    A minimax polynomial of exp(power / 8), squared three times: plain arithmetic that vectorises
    without a vector maths library.
    """
    v = max(power, np.float32(-6)) * np.float32(0.125)
    p = np.float32(0.005739152203635814)
    p = p * v + np.float32(0.03960749941239958)
    p = p * v + np.float32(0.16589198404247274)
    p = p * v + np.float32(0.49986938788901947)
    p = p * v + np.float32(0.9999926580103236)
    p = p * v + _ONE
    p = p * p
    p = p * p
    return p * p


@njit(inline="always")
def scattered(task, tiles):
    """The tile of a task: neighbouring tasks lie far apart, so equal shares of tasks are equal work."""
    return (task * 7919) % tiles


@njit(inline="always", fastmath=True)
def row_span(centre, row_power, limit, neg_a):
    """First and last pixel of a tile row in which alpha can reach the threshold."""
    half = math.sqrt(max(_ZERO, (limit + row_power) / -neg_a))
    return max(0, int(math.ceil(centre - half))), min(TILE - 1, int(math.floor(centre + half)))


@njit(inline="always")
def is_opaque(planes):
    """Whether no pixel of the tile takes any more (the first plane holds -T for such pixels)."""
    highest = _ZERO
    for q in range(PIXELS):
        highest = max(highest, planes[q])
    return highest <= _ZERO


@njit(parallel=True, fastmath=True, cache=True, error_model="numpy", boundscheck=False)
def rasterize(splats, starts, members, tiles_x, background, colors, alphas, depths):
    """Fill colors [H, W, 3], alphas [H, W] and, unless None, accumulated depths [H, W].

    All planes of a tile (transmittance, red, green, blue, depth) lie in one flat buffer, with
    64-bit unsigned indices and a fixed inner loop: so the compiler can prove that nothing
    overlaps, and vectorises. A pixel that has stopped keeps its transmittance with a minus sign.
    """
    height, width = alphas.shape
    tiles = starts.shape[0] - 1
    for task in prange(tiles):
        tile = scattered(task, tiles)
        top, left = (tile // tiles_x) * TILE, (tile % tiles_x) * TILE
        planes = np.zeros(PIXELS * 5, np.float32)
        planes[:PIXELS] = _ONE
        for k in range(starts[tile], starts[tile + 1]):
            i = members[k]
            x = splats[i, f.MEAN_X] - np.float32(left) - _HALF
            y = splats[i, f.MEAN_Y] - np.float32(top) - _HALF
            shear, neg_a, neg_c = splats[i, f.SHEAR], splats[i, f.NEG_A], splats[i, f.NEG_C]
            opacity, limit = splats[i, f.OPACITY], splats[i, f.LIMIT]
            red, green, blue = splats[i, f.RED], splats[i, f.GREEN], splats[i, f.BLUE]
            depth = splats[i, f.DEPTH]
            reach = splats[i, f.EXTENT_Y]
            for row in range(
                max(0, int(math.ceil(y - reach))), min(TILE, int(math.floor(y + reach)) + 1)
            ):
                dy = np.float32(row) - y
                row_power = neg_c * dy * dy
                centre = x + shear * dy
                first = np.uint64(row * TILE)
                for lane in range(np.uint64(LANES)):
                    p = first + lane
                    dx = np.float32(np.int32(lane)) - centre
                    alpha = min(
                        np.float32(MAX_ALPHA), opacity * exp_negative(row_power + neg_a * dx * dx)
                    )
                    alpha = alpha if alpha >= np.float32(ALPHA_THRESHOLD) else _ZERO
                    T = planes[p]
                    weight = alpha * T
                    T_next = T - weight
                    live = T_next > np.float32(TRANSMITTANCE_STOP)
                    weight = weight if live else _ZERO
                    planes[p] = T_next if live else -abs(T)
                    planes[p + _P] += weight * red
                    planes[p + _P * np.uint64(2)] += weight * green
                    planes[p + _P * np.uint64(3)] += weight * blue
                    if depths is not None:
                        planes[p + _P * np.uint64(4)] += weight * depth
            if (k - starts[tile]) % CHECK_EVERY == CHECK_EVERY - 1 and is_opaque(planes):
                break
        for row in range(min(TILE, height - top)):
            for column in range(min(TILE, width - left)):
                q = row * TILE + column
                T = abs(planes[q])
                py, px = top + row, left + column
                alphas[py, px] = _ONE - T
                for c in range(3):
                    colors[py, px, c] = planes[q + (c + 1) * PIXELS] + T * background[c]
                if depths is not None:
                    depths[py, px] = planes[q + 4 * PIXELS]
