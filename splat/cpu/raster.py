"""Blend tile lists front to back into pixels."""

import math

import numpy as np
from numba import njit, prange

from common.kernels import cached_njit
from splat.cpu import fields as f
from splat.cpu.fields import TILE
from splat.scene.conventions import ALPHA_THRESHOLD, MAX_ALPHA, TRANSMITTANCE_STOP

BATCH = 32  # Gaussians that are copied together before they are drawn
COPIED = 10  # values copied per Gaussian: the first ten fields, the mean relative to the tile
PIXELS = TILE * TILE
_PLANE = np.uint64(PIXELS)
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)


@njit(inline="always", fastmath=True)
def exp_negative(power):
    """exp(power) for power <= 0: relative error 3e-6 down to -6, below the alpha threshold beyond.

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


@njit
def aligned(count):
    """Zeros that begin at a cache line."""
    whole = np.zeros(count + 16, np.float32)
    first = (-(whole.ctypes.data >> 2)) & 15
    return whole[first : first + count]


@njit(inline="always")
def scattered(task, tiles):
    """The tile of a task. Neighbouring tasks lie far apart, so threads get equal work.

    Each tile has one task, as their number is no multiple of this prime: one side of such a
    picture would have 126,704 pixels.
    """
    return (task * 7919) % tiles


@njit(fastmath=True)
def copy_batch(splats, members, first, count, left, top, batch, rows):
    """Copy `count` Gaussians of a list into `batch`, relative to the tile, and their row ranges.

    The copy is what makes the rasterizer fast: its loads overlap, while in the drawing loop each
    would wait behind a branch that cannot be predicted.
    """
    for j in range(count):
        i = np.uint64(members[first + j])
        o = j * COPIED
        x = splats[i, f.MEAN_X] - np.float32(left) - _HALF
        y = splats[i, f.MEAN_Y] - np.float32(top) - _HALF
        batch[o], batch[o + 1] = x, y
        for c in range(2, COPIED):
            batch[o + c] = splats[i, c]
        reach = splats[i, f.EXTENT_Y]
        rows[2 * j] = max(0, math.ceil(y - reach))
        rows[2 * j + 1] = min(TILE, math.floor(y + reach) + 1)


@njit(inline="always", fastmath=True)
def blend_row(planes, row, centre, row_power, neg_a, opacity, red, green, blue, depth, with_depth):
    """Blend one Gaussian into one row of a tile."""
    first = np.uint64(row * TILE)
    for lane in range(np.uint64(TILE)):
        p = first + lane
        dx = np.float32(np.int32(lane)) - centre
        alpha = min(np.float32(MAX_ALPHA), opacity * exp_negative(row_power + neg_a * dx * dx))
        alpha = alpha if alpha >= np.float32(ALPHA_THRESHOLD) else _ZERO
        T = planes[p]
        weight = alpha * T
        T_next = T - weight
        live = T_next > np.float32(TRANSMITTANCE_STOP)
        weight = weight if live else _ZERO
        planes[p] = T_next if live else -abs(T)
        planes[p + _PLANE] += weight * red
        planes[p + _PLANE * np.uint64(2)] += weight * green
        planes[p + _PLANE * np.uint64(3)] += weight * blue
        if with_depth is not None:
            planes[p + _PLANE * np.uint64(4)] += weight * depth


@njit(fastmath=True)
def is_opaque(planes):
    """Whether no pixel of the tile takes any more."""
    highest = _ZERO
    for q in range(PIXELS):
        highest = max(highest, planes[q])
    return highest <= _ZERO


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
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
        planes = aligned(PIXELS * 5)
        planes[:PIXELS] = _ONE
        batch = np.empty(BATCH * COPIED, np.float32)
        rows = np.empty(BATCH * 2, np.int32)
        for first in range(starts[tile], starts[tile + 1], BATCH):
            count = min(BATCH, starts[tile + 1] - first)
            copy_batch(splats, members, first, count, left, top, batch, rows)
            for j in range(count):
                b = batch[j * COPIED : (j + 1) * COPIED]
                x, y, shear, neg_a, neg_c = b[0], b[1], b[2], b[3], b[4]
                opacity, red, green, blue, depth = b[5], b[6], b[7], b[8], b[9]
                for row in range(rows[2 * j], rows[2 * j + 1]):
                    dy = np.float32(row) - y
                    blend_row(
                        planes,
                        row,
                        x + shear * dy,
                        neg_c * dy * dy,
                        neg_a,
                        opacity,
                        red,
                        green,
                        blue,
                        depth,
                        depths,
                    )
            if is_opaque(planes):
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
