"""Gradients from pixels back to projected Gaussians."""

import numpy as np
from numba import prange

from common.kernels import cached_njit, plain_njit
from splat.cpu.bases import MATH
from splat.cpu.fields import TILE
from splat.cpu.raster import exp_negative
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

# Sums over a tile for one Gaussian: h = d loss / d(-sigma), and its moments along the sheared row
SUM_H, SUM_HX, SUM_HY, SUM_HXX, SUM_HXY, SUM_HYY = 0, 1, 2, 3, 4, 5
SUM_RED, SUM_GREEN, SUM_BLUE, SUM_DEPTH = 6, 7, 8, 9
SUMS = 10

_PLANE = np.uint64(PIXELS)
_LANES = np.uint64(TILE)
_ZERO, _ONE, _TWO = np.float32(0), np.float32(1), np.float32(2)


@plain_njit(fastmath=True)
def load_gradients(planes, top, left, colors, alphas, depths, v_colors, v_alphas, v_depths):
    """Fill the planes transmittance | rest | v_red | v_green | v_blue | v_depth of one tile.

    rest = v_alpha · final transmittance - gradient · (what is still to be blended), which starts
    at the whole pixel and is worked off front to back.
    """
    height, width = alphas.shape
    start_transmittance(planes, height - top, width - left)
    for row in range(min(TILE, height - top)):
        for column in range(min(TILE, width - left)):
            q, y, x = row * TILE + column, top + row, left + column
            rest = v_alphas[y, x] * (_ONE - alphas[y, x]) - depths[y, x] * v_depths[y, x]
            for c in range(3):
                rest -= colors[y, x, c] * v_colors[y, x, c]
                planes[q + (c + 2) * PIXELS] = v_colors[y, x, c]
            planes[q + PIXELS] = rest
            planes[q + 5 * PIXELS] = v_depths[y, x]


@plain_njit(inline="always", fastmath=True)
def replay_row(planes, lanes, row, centre, dy, row_power, neg_a, opacity, red, green, blue, depth):
    """Blend one Gaussian into one row again, and add its gradients to the sums of each column.

    lanes holds the planes h | h·dy | h·dy² | weight times the gradient of red, green, blue, depth:
    columns are summed up only once, behind all rows. No gradient where alpha is clamped
    (RasterizeToPixels3DGSBwd.cu of gsplat 1.5.3).
    """
    first = np.uint64(row * TILE)
    for lane in range(_LANES):
        p = first + lane
        dx = np.float32(np.int32(lane)) - centre
        raw = opacity * exp_negative(row_power + neg_a * dx * dx)
        alpha = min(np.float32(MAX_ALPHA), raw)
        alpha = alpha if alpha >= np.float32(ALPHA_THRESHOLD) else _ZERO
        T = planes[p]
        weight = alpha * T
        T_next = T - weight
        live = T_next > np.float32(TRANSMITTANCE_STOP)
        alpha = alpha if live else _ZERO
        weight = weight if live else _ZERO
        planes[p] = T_next if live else -abs(T)
        v_red = planes[p + _PLANE * np.uint64(2)]
        v_green = planes[p + _PLANE * np.uint64(3)]
        v_blue = planes[p + _PLANE * np.uint64(4)]
        v_depth = planes[p + _PLANE * np.uint64(5)]
        value = red * v_red + green * v_green + blue * v_blue + depth * v_depth
        rest = planes[p + _PLANE] + weight * value
        planes[p + _PLANE] = rest
        h = weight * value + rest * alpha / (_ONE - alpha)
        h = h if raw <= np.float32(MAX_ALPHA) else _ZERO
        lanes[lane] += h
        lanes[lane + _LANES] += h * dy
        lanes[lane + _LANES * np.uint64(2)] += h * dy * dy
        lanes[lane + _LANES * np.uint64(3)] += weight * v_red
        lanes[lane + _LANES * np.uint64(4)] += weight * v_green
        lanes[lane + _LANES * np.uint64(5)] += weight * v_blue
        lanes[lane + _LANES * np.uint64(6)] += weight * v_depth


@plain_njit(fastmath=MATH)
def add_up_lanes(lanes, x, shear, sums, slot):
    """Write the sums of one Gaussian over a tile, where dx = lane - x - shear · dy."""
    h_sum = hx_sum = hy_sum = hxx_sum = hxy_sum = hyy_sum = _ZERO
    red_sum = green_sum = blue_sum = depth_sum = _ZERO
    for lane in range(_LANES):
        along = np.float32(np.int32(lane)) - x
        h, hy, hyy = lanes[lane], lanes[lane + _LANES], lanes[lane + _LANES * np.uint64(2)]
        h_sum += h
        hy_sum += hy
        hyy_sum += hyy
        hx_sum += along * h - shear * hy
        hxy_sum += along * hy - shear * hyy
        hxx_sum += along * (along * h - _TWO * shear * hy) + shear * shear * hyy
        red_sum += lanes[lane + _LANES * np.uint64(3)]
        green_sum += lanes[lane + _LANES * np.uint64(4)]
        blue_sum += lanes[lane + _LANES * np.uint64(5)]
        depth_sum += lanes[lane + _LANES * np.uint64(6)]
    sums[slot, SUM_H], sums[slot, SUM_HX], sums[slot, SUM_HY] = h_sum, hx_sum, hy_sum
    sums[slot, SUM_HXX], sums[slot, SUM_HXY], sums[slot, SUM_HYY] = hxx_sum, hxy_sum, hyy_sum
    sums[slot, SUM_RED], sums[slot, SUM_GREEN] = red_sum, green_sum
    sums[slot, SUM_BLUE], sums[slot, SUM_DEPTH] = blue_sum, depth_sum


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
def rasterize_backward(
    splats, rects, first_slots, starts, members, tiles_x, image, image_gradients, sums
):
    """Fill `sums` [intersections, SUMS], zero before, one row per Gaussian and tile.

    image = (colors [H, W, 3] over black, alphas [H, W], accumulated depths [H, W]) as drawn, and
    image_gradients the same of the loss. The tiles of Gaussian i own the rows from first_slots[i]
    on, so that no two threads write to one place and every repeat gives the same bits.
    """
    tiles = starts.shape[0] - 1
    for task in prange(tiles):
        tile = scattered(task, tiles)
        tile_y, tile_x = tile // tiles_x, tile % tiles_x
        top, left = tile_y * TILE, tile_x * TILE
        planes = aligned(PIXELS * 6)
        load_gradients(planes, top, left, *image, *image_gradients)
        batch = np.zeros((COPIED, BATCH), np.float32)
        rows = np.empty((2, BATCH), np.int32)
        lanes, highest = aligned(TILE * 7), aligned(TILE)
        for first in range(starts[tile], starts[tile + 1], BATCH):
            part = live_part(planes, highest)
            if part[3] < part[2]:
                break
            count = min(BATCH, starts[tile + 1] - first)
            copy_batch(splats, members, first, count, left, top, batch)
            reached_rows(batch, count, part, rows)
            for j in range(count):
                if rows[0, j] >= rows[1, j]:
                    continue
                b = batch[:, j]
                x, y, shear, neg_a, neg_c = b[0], b[1], b[2], b[3], b[4]
                opacity, red, green, blue, depth = b[5], b[6], b[7], b[8], b[9]
                i = members[first + j]
                across = tile_x - rects[i, 0]
                down = (tile_y - rects[i, 2]) * (rects[i, 1] - rects[i, 0])
                slot = first_slots[i] + down + across
                lanes[:] = _ZERO
                for row in range(rows[0, j], rows[1, j]):
                    dy = np.float32(row) - y
                    centre, power = x + shear * dy, neg_c * dy * dy
                    replay_row(
                        planes,
                        lanes,
                        row,
                        centre,
                        dy,
                        power,
                        neg_a,
                        opacity,
                        red,
                        green,
                        blue,
                        depth,
                    )
                add_up_lanes(lanes, x, shear, sums, slot)
