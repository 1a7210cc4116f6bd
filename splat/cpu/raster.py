"""Blend tile lists front to back into pixels."""

import numpy as np
from numba import prange

from common.kernels import cached_njit, plain_njit
from splat.cpu.fields import TILE
from splat.cpu.tile import (
    BATCH,
    COPIED,
    PIXELS,
    aligned,
    copy_batch,
    live_part,
    reached_rows,
    scattered,
    start_transmittance,
)
from splat.scene.conventions import ALPHA_THRESHOLD, MAX_ALPHA, TRANSMITTANCE_STOP

_PLANE = np.uint64(PIXELS)
_ZERO, _ONE = np.float32(0), np.float32(1)


@plain_njit(inline="always", fastmath=True)
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


@plain_njit(inline="always", fastmath=True)
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
        planes, highest = aligned(PIXELS * 5), aligned(TILE)
        start_transmittance(planes, height - top, width - left)
        batch = np.zeros((COPIED, BATCH), np.float32)
        rows = np.empty((2, BATCH), np.int32)
        for first in range(starts[tile], starts[tile + 1], BATCH):
            part = live_part(planes, highest)
            if part[3] < part[2]:
                break
            count = min(BATCH, starts[tile + 1] - first)
            copy_batch(splats, members, first, count, left, top, batch)
            reached_rows(batch, count, part, rows)
            for j in range(count):
                b = batch[:, j]
                x, y, shear, neg_a, neg_c = b[0], b[1], b[2], b[3], b[4]
                opacity, red, green, blue, depth = b[5], b[6], b[7], b[8], b[9]
                for row in range(rows[0, j], rows[1, j]):
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
