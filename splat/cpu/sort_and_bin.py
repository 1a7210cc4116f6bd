"""Depth order and tile lists, both stable: ties keep the index order."""

import numpy as np
from numba import prange

from common.kernels import cached_njit, plain_njit

DIGIT_BITS = 11
DIGITS = 1 << DIGIT_BITS
INDEX_MASK = 0xFFFFFFFF
LEAST_CHUNKS = 8  # so that threads share evenly, though nearer Gaussians lie in more tiles


@plain_njit()
def pack_visible(keys):
    """(key - smallest key) << 32 | index of each non-zero key, by index; the spread of the keys."""
    count, smallest, largest = 0, np.uint32(0xFFFFFFFF), np.uint32(0)
    for key in keys:
        if key != 0:
            count += 1
            smallest, largest = min(smallest, key), max(largest, key)
    packed = np.empty(count, np.uint64)
    position = 0
    for i in range(keys.shape[0]):
        if keys[i] != 0:
            packed[position] = (np.uint64(keys[i] - smallest) << np.uint64(32)) | np.uint64(i)
            position += 1
    return packed, np.uint64(largest - smallest if count > 0 else 0)


@plain_njit()
def sort_by_digit(source, target, shift):
    """One stable counting-sort pass over DIGIT_BITS bits of the packed keys."""
    positions = np.zeros(DIGITS + 1, np.int64)
    mask = np.uint64(DIGITS - 1)
    for item in source:
        positions[((item >> shift) & mask) + np.uint64(1)] += 1
    for digit in range(DIGITS):
        positions[digit + 1] += positions[digit]
    for item in source:
        digit = (item >> shift) & mask
        target[positions[digit]] = item
        positions[digit] += 1


@cached_njit()
def depth_order(keys):
    """Indices int32 of the non-zero keys uint32 [N] in ascending order of key.

    A radix sort that takes only as many passes as the spread of the keys needs: the depths of one
    head differ in about 23 bits, which is three passes. One thread is enough: at 100,000 keys it
    takes half a millisecond, less than waiting for a second thread can cost on a busy machine.
    """
    packed, spread = pack_visible(keys)
    spare = np.empty_like(packed)
    shift = np.uint64(32)
    while spread > 0:
        sort_by_digit(packed, spare, shift)
        packed, spare = spare, packed
        spread >>= np.uint64(DIGIT_BITS)
        shift += np.uint64(DIGIT_BITS)
    return (packed & np.uint64(INDEX_MASK)).astype(np.int32)


@plain_njit()
def count_per_tile(order, rects, first, last, counts):
    """Gaussians first..last of the order per tile, into counts [tiles_y + 1, tiles_x + 1].

    Each rectangle marks its four corners, and a running sum in both directions fills it: no
    branch depends on a rectangle's size.
    """
    counts[:] = 0
    for k in range(first, last):
        i = order[k]
        x0, x1, y0, y1 = rects[i, 0], rects[i, 1], rects[i, 2], rects[i, 3]
        counts[y0, x0] += 1
        counts[y0, x1] -= 1
        counts[y1, x0] -= 1
        counts[y1, x1] += 1
    for y in range(counts.shape[0]):
        along = 0
        for x in range(counts.shape[1]):
            along += counts[y, x]
            counts[y, x] = along + (counts[y - 1, x] if y > 0 else 0)


@plain_njit()
def list_positions(counts):
    """Turn counts [chunks, tiles_y + 1, tiles_x + 1] into first positions, in place; list starts.

    Tiles come first and chunks second, so that every list keeps the depth order.
    """
    tiles_y, tiles_x = counts.shape[1] - 1, counts.shape[2] - 1
    starts = np.empty(tiles_y * tiles_x + 1, np.int64)
    total = 0
    for y in range(tiles_y):
        for x in range(tiles_x):
            starts[y * tiles_x + x] = total
            for c in range(counts.shape[0]):
                count = counts[c, y, x]
                counts[c, y, x] = total
                total += count
    starts[-1] = total
    return starts


def chunk_count(threads: int) -> int:
    """Pieces of the depth order that are scattered into tiles side by side."""
    return threads * -(-LEAST_CHUNKS // threads)


@cached_njit(parallel=True)
def bin_into_tiles(order, rects, tiles_x, tiles_y, chunks):
    """Lists of Gaussians per tile, front to back.

    order int32 [visible], rects int16 [N, 4] tile ranges x0, x1, y0, y1. Returns starts int64
    [tiles + 1] and members int32 [intersections]: tile t holds members[starts[t]:starts[t + 1]].
    The number of chunks changes nothing but the time.
    """
    n = order.shape[0]
    size = (n + chunks - 1) // chunks
    counts = np.empty((chunks, tiles_y + 1, tiles_x + 1), np.int64)  # zeros would start threads
    for c in range(chunks):
        count_per_tile(order, rects, min(n, c * size), min(n, (c + 1) * size), counts[c])
    starts = list_positions(counts)
    members = np.empty(starts[-1], np.int32)
    for c in prange(chunks):
        for k in range(c * size, min(n, (c + 1) * size)):
            i = order[k]
            for y in range(rects[i, 2], rects[i, 3]):
                for x in range(rects[i, 0], rects[i, 1]):
                    members[counts[c, y, x]] = i
                    counts[c, y, x] += 1
    return starts, members
