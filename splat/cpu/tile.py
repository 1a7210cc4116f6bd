"""What forward and backward share of a tile: its Gaussians copied together, and what they reach."""

import math

import numpy as np

from common.kernels import plain_njit
from splat.cpu import fields as f
from splat.cpu.fields import TILE

BATCH = 32  # Gaussians that are copied together before they are drawn
COPIED = 11  # values copied per Gaussian, the mean relative to the tile
PIXELS = TILE * TILE
_SLACK = np.float32(1e-6)  # of the extent, for rounding
_LANES = np.uint64(TILE)
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)


@plain_njit()
def aligned(count):
    """Zeros that begin at a cache line."""
    whole = np.zeros(count + 16, np.float32)
    first = (-(whole.ctypes.data >> 2)) & 15
    return whole[first : first + count]


@plain_njit(inline="always")
def scattered(task, tiles):
    """The tile of a task. Neighbouring tasks lie far apart, so threads get equal work.

    Each tile has one task, as their number is no multiple of this prime: one side of such a
    picture would have 126,704 pixels.
    """
    return (task * 7919) % tiles


@plain_njit()
def start_transmittance(planes, rows, columns):
    """Ones, but minus one, which takes nothing, where the tile hangs over the picture's border."""
    for row in range(TILE):
        for column in range(TILE):
            inside = row < rows and column < columns
            planes[row * TILE + column] = _ONE if inside else -_ONE


@plain_njit(fastmath=True)
def live_part(planes, highest):
    """Columns left..right and rows top..bottom, ends included, that hold every pixel which still
    takes something; bottom < top where none does. highest [TILE] is scratch space."""
    highest[:] = _ZERO
    top, bottom = TILE, -1
    for row in range(TILE):
        of_row = _ZERO
        for lane in range(_LANES):
            value = planes[np.uint64(row * TILE) + lane]
            of_row = max(of_row, value)
            highest[lane] = max(highest[lane], value)
        if of_row > _ZERO:
            top, bottom = min(top, row), row
    left, right = TILE, -1
    for lane in range(TILE):
        if highest[lane] > _ZERO:
            left, right = min(left, lane), lane
    return left, right, top, bottom


@plain_njit(fastmath=True)
def copy_batch(splats, members, first, count, left, top, batch):
    """Copy `count` Gaussians of a list into `batch` [COPIED, BATCH], relative to the tile.

    The copy is what makes the rasterizer fast: its loads overlap, while in the drawing loop each
    would wait behind a branch that cannot be predicted.
    """
    for j in range(count):
        i = np.uint64(members[first + j])
        batch[f.MEAN_X, j] = splats[i, f.MEAN_X] - np.float32(left) - _HALF
        batch[f.MEAN_Y, j] = splats[i, f.MEAN_Y] - np.float32(top) - _HALF
        for c in range(2, COPIED):
            batch[c, j] = splats[i, c]


@plain_njit(fastmath=True, error_model="numpy")
def reached_rows(batch, count, part, rows):
    """Fill rows [2, BATCH], first and one past the last: the rows of the live part that the ellipse
    of each of the first `count` of a batch meets.

    With a = -NEG_A, c = -NEG_C, s = SHEAR and the outline a (dx - s dy)² + c dy² = c extent², the
    highest point lies at dx = s · extent, or at the live part's side next to it: there
    dy = (a s dx + sqrt((c + a s²) c extent² - a c dx²)) / (c + a s²). The lowest point likewise.
    """
    left, right = np.float32(part[0]), np.float32(part[1])
    top, bottom = np.float32(part[2]), np.float32(part[3])
    for j in range(np.uint64(count)):
        a, c = -batch[f.NEG_A, j], -batch[f.NEG_C, j]
        shear, extent, y = batch[f.SHEAR, j], batch[f.EXTENT_Y, j], batch[f.MEAN_Y, j]
        first, last = left - batch[f.MEAN_X, j], right - batch[f.MEAN_X, j]
        inverse = _ONE / (c + a * shear * shear)
        tilt, square = a * shear * inverse, c * extent * extent * inverse
        narrowing = a * c * inverse * inverse
        x_high = min(last, max(first, shear * extent))
        x_low = min(last, max(first, -shear * extent))
        high, low = square - narrowing * x_high * x_high, square - narrowing * x_low * x_low
        slack = _SLACK * extent
        above = y + tilt * x_low - math.sqrt(max(low, _ZERO)) - slack
        below = y + tilt * x_high + math.sqrt(max(high, _ZERO)) + slack
        met = min(low, high) >= _ZERO
        rows[0, j] = np.int32(max(top, math.ceil(above)))
        rows[1, j] = np.int32(min(bottom, math.floor(below)) + _ONE) if met else np.int32(0)
