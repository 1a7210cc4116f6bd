"""Gradients from pixels back to projected Gaussians."""

import numpy as np
from numba import prange

from common.kernels import cached_njit, plain_njit
from splat.cpu import fields as f
from splat.cpu.fields import TILE
from splat.cpu.geometry import MATH
from splat.cpu.tile import (
    BATCH,
    COLUMN,
    COPIED,
    LANES,
    PIXELS,
    PLANE,
    ROW,
    aligned,
    alpha_above,
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

# Sums over a tile for one Gaussian: h = d loss / d(-sigma), and its moments along the sheared row
SUM_H, SUM_HX, SUM_HY, SUM_HXX, SUM_HXY, SUM_HYY = 0, 1, 2, 3, 4, 5
SUM_RED, SUM_GREEN, SUM_BLUE, SUM_DEPTH = 6, 7, 8, 9
SUMS = 10

_REST, _V_RED, _V_GREEN = (PLANE * np.uint64(number) for number in (3, 4, 5))
_V_BLUE, _V_DEPTH = (PLANE * np.uint64(number) for number in (6, 7))
_PLANES = 8
_QUARTER = np.uint64(4)  # of the lanes
_ZERO, _ONE = np.float32(0), np.float32(1)


@plain_njit(fastmath=True)
def load_gradients(planes, top, left, image, image_gradients):
    """Fill the planes transmittance | column | row | rest | v_red | v_green | v_blue | v_depth, of
    which the colours' are enough where image is None.

    rest = v_alpha · final transmittance - gradient · (what is still to be blended), which starts
    at the whole pixel and is worked off front to back.
    """
    v_colors, v_alphas, v_depths = image_gradients
    height, width = v_alphas.shape
    start_tile(planes, height - top, width - left)
    for pixel in range(PIXELS):
        row, column = row_and_column(pixel)
        y, x, p = top + row, left + column, np.uint64(pixel)
        if y < height and x < width:
            for c in range(3):
                planes[p + _V_RED + np.uint64(c) * PLANE] = v_colors[y, x, c]
            if image is not None:
                colors, alphas, depths = image
                rest = v_alphas[y, x] * (_ONE - alphas[y, x]) - depths[y, x] * v_depths[y, x]
                for c in range(3):
                    rest -= colors[y, x, c] * v_colors[y, x, c]
                planes[p + _REST] = rest
                planes[p + _V_DEPTH] = v_depths[y, x]


@plain_njit(fastmath=True, forceinline=True)
def replay_gaussian(planes, lanes, blocks, batch, j, image):
    """Blend Gaussian j of a batch into those blocks of a tile again, and add its gradients to the
    sums of each lane: where image is None, only those by its colours.

    lanes [SUMS · LANES] holds what `sums` will, with the offsets times NARROW and FALL: they are
    summed up only once, behind all blocks. No gradient where alpha is clamped
    (RasterizeToPixels3DGSBwd.cu of gsplat 1.5.3).
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
            raw = alpha_above(power)
            alpha = min(np.float32(MAX_ALPHA), raw)
            alpha = alpha if power >= _ZERO else _ZERO
            T = planes[p]
            weight = alpha * T
            T_next = T - weight
            live = T_next > np.float32(TRANSMITTANCE_STOP)
            alpha = alpha if live else _ZERO
            weight = weight if live else _ZERO
            planes[p] = T_next if live else -abs(T)
            v_red, v_green, v_blue = planes[p + _V_RED], planes[p + _V_GREEN], planes[p + _V_BLUE]
            if image is not None:
                v_depth = planes[p + _V_DEPTH]
                value = red * v_red + green * v_green + blue * v_blue + depth * v_depth
                rest = planes[p + _REST] + weight * value
                planes[p + _REST] = rest
                h = weight * value + rest * alpha / (_ONE - alpha)
                h = h if raw <= np.float32(MAX_ALPHA) else _ZERO
                h_across, h_along = h * across, h * along
                lanes[lane] += h
                lanes[lane + LANES] += h_across
                lanes[lane + LANES * np.uint64(2)] += h_along
                lanes[lane + LANES * np.uint64(3)] += h_across * across
                lanes[lane + LANES * np.uint64(4)] += h_across * along
                lanes[lane + LANES * np.uint64(5)] += h_along * along
                lanes[lane + LANES * np.uint64(9)] += weight * v_depth
            lanes[lane + LANES * np.uint64(6)] += weight * v_red
            lanes[lane + LANES * np.uint64(7)] += weight * v_green
            lanes[lane + LANES * np.uint64(8)] += weight * v_blue


@plain_njit(fastmath=MATH, forceinline=True)
def add_up_lanes(lanes, start, stop, sums):
    """Write sums start to stop of one Gaussian over a tile into `sums` [SUMS], and empty their
    lanes."""
    for c in range(start, stop):
        first = np.uint64(c) * LANES
        for lane in range(_QUARTER):
            p = first + lane
            half = lanes[p] + lanes[p + _QUARTER]
            other = lanes[p + _QUARTER * np.uint64(2)] + lanes[p + _QUARTER * np.uint64(3)]
            lanes[p] = half + other
        second = first + np.uint64(2)
        sums[c] = (lanes[first] + lanes[first + np.uint64(1)]) + (
            lanes[second] + lanes[second + np.uint64(1)]
        )
        lanes[first : first + LANES] = _ZERO


@plain_njit(fastmath=MATH, forceinline=True)
def widen_moments(narrow, fall, sums):
    """Divide by what the offsets were multiplied with."""
    wide, high = _ONE / narrow, _ONE / fall
    sums[SUM_HX] *= wide
    sums[SUM_HY] *= high
    sums[SUM_HXX] *= wide * wide
    sums[SUM_HXY] *= wide * high
    sums[SUM_HYY] *= high * high


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
def rasterize_backward(
    splats, rects, first_slots, starts, members, tiles_x, image, image_gradients, sums
):
    """Fill `sums` [intersections, SUMS], zero before, one row per Gaussian and tile.

    image = (colors [H, W, 3] over black, alphas [H, W], accumulated depths [H, W]) as drawn, and
    image_gradients the same of the loss; None: only the sums for colours. The tiles of Gaussian i
    own the rows from first_slots[i] on, so that no two threads write to one place and every repeat
    gives the same bits.
    """
    tiles = starts.shape[0] - 1
    for task in prange(tiles):
        tile = scattered(task, tiles_x, tiles // tiles_x)
        tile_y, tile_x = tile // tiles_x, tile % tiles_x
        top, left = tile_y * TILE, tile_x * TILE
        planes = new_planes(_PLANES)
        load_gradients(planes, top, left, image, image_gradients)
        batch = np.zeros((COPIED, BATCH), np.float32)
        reached = np.empty(BATCH, np.uint32)
        lanes = aligned(16 * SUMS)
        for first in range(starts[tile], starts[tile + 1], BATCH):
            live = live_blocks(planes)
            if live == 0:
                break
            count = min(BATCH, starts[tile + 1] - first)
            copy_batch(splats, members, first, count, left, top, batch)
            reached_blocks(batch, count, live, reached)
            for j in range(count):
                if reached[j] == 0:
                    continue
                i = members[first + j]
                across = tile_x - rects[i, 0]
                down = (tile_y - rects[i, 2]) * (rects[i, 1] - rects[i, 0])
                slot = first_slots[i] + down + across
                replay_gaussian(planes, lanes, reached[j], batch, j, image)
                if image is None:
                    add_up_lanes(lanes, SUM_RED, SUM_BLUE + 1, sums[slot])
                else:
                    add_up_lanes(lanes, 0, SUMS, sums[slot])
                    widen_moments(batch[f.NARROW, j], batch[f.FALL, j], sums[slot])
