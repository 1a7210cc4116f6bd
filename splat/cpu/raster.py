"""Blend tile lists front to back into pixels."""

import numpy as np
from numba import prange

from common.kernels import cached_njit, plain_njit
from splat.cpu import fields as f
from splat.cpu.fields import TILE
from splat.cpu.tile import (
    BATCH,
    COLUMN,
    COPIED,
    LANES,
    PIXELS,
    PLANE,
    ROW,
    TOGETHER,
    alpha_above,
    clamped,
    copy_batch,
    first_block,
    live_blocks,
    new_planes,
    reached_blocks,
    row_and_column,
    scattered,
    start_tile,
)
from splat.scene.conventions import MAX_ALPHA, TRANSMITTANCE_STOP

_RED, _GREEN, _BLUE, _DEPTH = (PLANE * np.uint64(number) for number in (3, 4, 5, 6))
_PLANES = 7
_UNSEEN = np.float32(1e-3)  # transmittance behind which what lies changes no byte by more than one
_ZERO, _HALF, _ONE, _LEVELS, _TOP = (np.float32(number) for number in (0, 0.5, 1, 255, 255.5))


@plain_njit(fastmath=True, forceinline=True)
def blend_gaussian(planes, blocks, batch, j, least, with_depth):
    """Blend Gaussian j of a batch into those blocks of a tile.

    All planes lie in one flat buffer, with 64-bit unsigned indices and a fixed inner loop: so the
    compiler can prove that nothing overlaps, and vectorises. A pixel that has stopped keeps its
    transmittance with a minus sign; it stops where that is no more than `least`.
    """
    b = batch[:, j]
    narrow, fall, level = b[f.NARROW], b[f.FALL], b[f.LEVEL]
    red, green, blue, depth = b[f.RED], b[f.GREEN], b[f.BLUE], b[f.DEPTH]
    slant = narrow * b[f.SHEAR]
    across_0, along_0 = slant * b[f.MEAN_Y] - narrow * b[f.MEAN_X], -fall * b[f.MEAN_Y]
    while blocks != 0:
        first = np.uint64(first_block(blocks)) * LANES
        blocks &= blocks - np.uint32(1)
        for lane in range(LANES):
            p = first + lane
            x, y = planes[p + COLUMN], planes[p + ROW]
            across, along = narrow * x + across_0 - slant * y, fall * y + along_0
            power = level - along * along - across * across
            alpha = min(np.float32(MAX_ALPHA), alpha_above(power))
            alpha = alpha if power >= _ZERO else _ZERO
            T = planes[p]
            weight = alpha * T
            T_next = T - weight
            live = T_next > np.float32(TRANSMITTANCE_STOP)
            weight = weight if live else _ZERO
            planes[p] = T_next if T_next > least else -(T_next if live else abs(T))
            planes[p + _RED] += weight * red
            planes[p + _GREEN] += weight * green
            planes[p + _BLUE] += weight * blue
            if with_depth is not None:
                planes[p + _DEPTH] += weight * depth


@plain_njit(fastmath=True)
def write_tile(planes, top, left, background, colors, alphas, depths):
    """Copy a finished tile into the picture."""
    height, width = alphas.shape
    for pixel in range(PIXELS):
        row, column = row_and_column(pixel)
        y, x, p = top + row, left + column, np.uint64(pixel)
        if y < height and x < width:
            T = abs(planes[p])
            alphas[y, x] = _ONE - T
            colors[y, x, 0] = planes[p + _RED] + T * background[0]
            colors[y, x, 1] = planes[p + _GREEN] + T * background[1]
            colors[y, x, 2] = planes[p + _BLUE] + T * background[2]
            if depths is not None:
                depths[y, x] = planes[p + _DEPTH]


@plain_njit(fastmath=True)
def write_bytes(planes, top, left, background, colors):
    """The same in 0..255, clipped and rounded."""
    height, width = colors.shape[:2]
    for c in range(3):
        first = _RED + np.uint64(c) * PLANE
        for p in range(PLANE):
            value = planes[first + p] + abs(planes[p]) * background[c]
            planes[first + p] = clamped(value * _LEVELS + _HALF, _ZERO, _TOP)
    for pixel in range(PIXELS):
        row, column = row_and_column(pixel)
        y, x, p = top + row, left + column, np.uint64(pixel)
        if y < height and x < width:
            colors[y, x, 0] = np.uint8(np.int32(planes[p + _RED]))
            colors[y, x, 1] = np.uint8(np.int32(planes[p + _GREEN]))
            colors[y, x, 2] = np.uint8(np.int32(planes[p + _BLUE]))


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
def rasterize(splats, starts, members, tiles_x, background, colors, alphas, depths):
    """Fill colors [H, W, 3], alphas [H, W] and, unless None, accumulated depths [H, W]; or, where
    alphas are None, colors uint8. Tiles without Gaussians are left as they are."""
    height, width = colors.shape[:2]
    tiles = starts.shape[0] - 1
    least = _UNSEEN if alphas is None else np.float32(TRANSMITTANCE_STOP)
    for task in prange(-(-tiles // TOGETHER)):
        planes = new_planes(_PLANES)
        batch, reached = np.zeros((COPIED, BATCH), np.float32), np.empty(BATCH, np.uint32)
        for number in range(task * TOGETHER, min(tiles, (task + 1) * TOGETHER)):
            tile = scattered(number, tiles_x, tiles // tiles_x)
            if starts[tile] == starts[tile + 1]:
                continue
            top, left = (tile // tiles_x) * TILE, (tile % tiles_x) * TILE
            start_tile(planes, height - top, width - left)
            for first in range(starts[tile], starts[tile + 1], BATCH):
                live = live_blocks(planes)
                if live == 0:
                    break
                count = min(BATCH, starts[tile + 1] - first)
                copy_batch(splats, members, first, count, left, top, batch)
                reached_blocks(batch, count, live, reached)
                for j in range(count):
                    if reached[j] != 0:
                        blend_gaussian(planes, reached[j], batch, j, least, depths)
            if alphas is None:
                write_bytes(planes, top, left, background, colors)
            else:
                write_tile(planes, top, left, background, colors, alphas, depths)
