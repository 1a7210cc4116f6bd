"""What forward and backward share of a tile: its Gaussians copied together, and what they reach.

A tile is worked on in blocks of 4×4 pixels, which lie one behind the other and fill a vector each.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic, overload

from common.kernels import plain_njit
from splat.cpu import fields as f
from splat.cpu.fields import TILE

TOGETHER = 8  # tiles that a thread draws with one set of planes
BATCH = 32  # Gaussians that are copied together before they are drawn
COPIED = 11  # values copied per Gaussian, the mean relative to the tile
PIXELS = TILE * TILE
LANES = np.uint64(16)  # pixels of a block
BLOCKS = 16
PLANE = np.uint64(PIXELS)
COLUMN, ROW = PLANE, PLANE * np.uint64(2)  # behind the plane of transmittance

_SLACK = np.float32(1e-3)  # of the power, for rounding
_SIDE = np.float32(3)  # from a block's first pixel to its last
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_TWO, _FOUR, _EIGHT = np.float32(2), np.float32(4), np.float32(8)
_FIRST = tuple(np.float32(column) for column in (0, 4, 8, 12))  # pixels of the blocks of a row
_LAST = tuple(np.float32(column) for column in (3, 7, 11, 15))
_NO_BLOCK = np.uint32(0)


def first_block(blocks: np.uint32) -> int:
    """The number of the lowest bit that is set; one must be."""
    return (int(blocks) & -int(blocks)).bit_length() - 1


@intrinsic
def _trailing_zeros(_typing, bits):
    def generate(_context, builder, _signature, values):
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return bits(bits), generate


@overload(first_block)
def _compiled_first_block(blocks):
    """As one instruction, in kernels."""
    trailing_zeros: Any = _trailing_zeros

    def compiled(blocks):
        return trailing_zeros(blocks)

    return compiled


@plain_njit()
def aligned(count):
    """Zeros that begin at a cache line."""
    whole = np.zeros(count + 16, np.float32)
    first = (-(whole.ctypes.data >> 2)) & 15
    return whole[first : first + count]


@plain_njit(inline="always")
def scattered(task, tiles_x, tiles_y):
    """The tile of a task. Rows of tiles that follow each other lie far apart, so threads get equal
    work; neighbours in a row, which share Gaussians, follow each other.

    Each tile has one task, as the rows' number is no multiple of this prime.
    """
    return ((task // tiles_x) * 7919) % tiles_y * tiles_x + task % tiles_x


@plain_njit(inline="always")
def row_and_column(pixel):
    """Where in the tile the pixel of that number lies."""
    block, lane = pixel >> 4, pixel & 15
    return (block >> 2) * 4 + (lane >> 2), (block & 3) * 4 + (lane & 3)


@plain_njit()
def new_planes(count):
    """Planes of a tile, those of column and row filled."""
    planes = aligned(PIXELS * count)
    for pixel in range(PIXELS):
        row, column = row_and_column(pixel)
        planes[np.uint64(pixel) + COLUMN] = np.float32(np.int32(column))
        planes[np.uint64(pixel) + ROW] = np.float32(np.int32(row))
    return planes


@plain_njit()
def start_tile(planes, rows, columns):
    """Empty the planes behind column and row, and fill that of transmittance: with one, but minus
    one, which takes nothing, where the tile hangs over the picture's border."""
    rows, columns = np.float32(rows), np.float32(columns)
    for p in range(PLANE):
        inside = (planes[p + ROW] < rows) & (planes[p + COLUMN] < columns)
        planes[p] = _ONE if inside else -_ONE
    for p in range(ROW + PLANE, np.uint64(planes.size)):
        planes[p] = _ZERO


@plain_njit(fastmath=True)
def live_blocks(planes):
    """Bits of the blocks with a pixel that still takes something."""
    live = _NO_BLOCK
    for block in range(BLOCKS):
        highest = _ZERO
        for lane in range(LANES):
            highest = max(highest, planes[np.uint64(block) * LANES + lane])
        live |= np.uint32(highest > _ZERO) << np.uint32(block)
    return live


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


@plain_njit(inline="always", fastmath=True)
def clamped(value, low, high):
    return min(high, max(low, value))


@plain_njit(fastmath=True, error_model="numpy")
def add_reached(batch, count, row, reached):
    """Set the bits of a row's blocks in reached [BATCH] for each of the first `count` Gaussians of
    a batch whose power is not negative everywhere between the block's outer pixels.

    Between the row's outer pixels the ellipse of power 0 reaches from `low` to `high`: to its
    outermost points where these lie there, else to the points nearest to them.
    """
    top, lowest_bit = np.float32(4 * row), np.float32(1 << 4 * row)
    for j in range(np.uint64(count)):
        shear, narrow, fall = batch[f.SHEAR, j], batch[f.NARROW, j], batch[f.FALL, j]
        level, y0 = batch[f.LEVEL, j] + _SLACK, top - batch[f.MEAN_Y, j]
        east = clamped(batch[f.EAST, j], y0, y0 + _SIDE)
        west = clamped(-batch[f.EAST, j], y0, y0 + _SIDE)
        at_east = level - fall * east * (fall * east)
        at_west = level - fall * west * (fall * west)
        high = batch[f.MEAN_X, j] + shear * east + np.sqrt(max(_ZERO, at_east)) / narrow
        low = batch[f.MEAN_X, j] + shear * west - np.sqrt(max(_ZERO, at_west)) / narrow
        bits = _ONE if (low <= _LAST[0]) & (high >= _FIRST[0]) else _ZERO
        bits += _TWO if (low <= _LAST[1]) & (high >= _FIRST[1]) else _ZERO
        bits += _FOUR if (low <= _LAST[2]) & (high >= _FIRST[2]) else _ZERO
        bits += _EIGHT if (low <= _LAST[3]) & (high >= _FIRST[3]) else _ZERO
        met = bits * lowest_bit if at_east >= _ZERO else _ZERO
        reached[j] |= np.uint32(np.int32(met))


@plain_njit()
def reached_blocks(batch, count, live, reached):
    """Fill reached [BATCH]: bits of the live blocks that each Gaussian of a batch meets."""
    reached[:] = _NO_BLOCK
    for row in range(4):
        if (live >> np.uint32(4 * row)) & np.uint32(15):
            add_reached(batch, count, row, reached)
    for j in range(count):
        reached[j] &= live


@plain_njit(inline="always", fastmath=True)
def alpha_above(power):
    """ALPHA_THRESHOLD · exp(power) for 0 <= power <= 5.6: relative error 2e-6.

    A minimax polynomial of its eighth root, squared three times: plain arithmetic that vectorises
    without a vector maths library.
    """
    p = np.float32(1.7910153360389813e-07)
    p = p * power + np.float32(4.756586804433027e-06)
    p = p * power + np.float32(0.00016378326108679175)
    p = p * power + np.float32(0.003906979225575924)
    p = p * power + np.float32(0.06253111362457275)
    p = p * power + np.float32(0.5002446174621582)
    p = p * p
    p = p * p
    return p * p
