"""Sorting and binning against NumPy."""

import numpy as np
import pytest

from splat.cpu.sort_and_bin import bin_into_tiles, chunk_count, depth_order


@pytest.mark.parametrize("spread", [1, 5, 3000, 2**23, 2**32])
@pytest.mark.parametrize("n", [0, 1, 7, 5000])
def test_depth_order_is_the_stable_order_of_what_is_not_culled(n: int, spread: int) -> None:
    generator = np.random.default_rng(n)
    keys = generator.integers(2**32 - spread, 2**32, n, dtype=np.uint64).astype(np.uint32)
    keys[generator.random(n) < 0.2] = 0
    kept = np.flatnonzero(keys)
    expected = kept[np.argsort(keys[kept], kind="stable")]
    np.testing.assert_array_equal(depth_order(keys), expected)


def test_depths_sort_like_their_bits() -> None:
    depths = np.random.default_rng(0).lognormal(0, 3, 2000).astype(np.float32)
    order = depth_order(depths.view(np.uint32))
    np.testing.assert_array_equal(order, np.argsort(depths, kind="stable"))


@pytest.mark.parametrize("threads", [1, 2, 3, 6, 16, 128])
def test_every_thread_has_the_same_number_of_chunks(threads: int) -> None:
    chunks = chunk_count(threads)
    assert chunks >= max(threads, 8) and chunks % threads == 0
    assert chunks < max(2 * threads, 16)


@pytest.mark.parametrize("chunks", [1, 8, 30])
@pytest.mark.parametrize(("n", "tiles_x", "tiles_y"), [(0, 3, 2), (1, 1, 1), (700, 7, 5)])
def test_every_tile_lists_its_gaussians_in_order(
    n: int, tiles_x: int, tiles_y: int, chunks: int
) -> None:
    generator = np.random.default_rng(1)
    xs = np.sort(generator.integers(0, tiles_x + 1, (n, 2)), axis=1)
    ys = np.sort(generator.integers(0, tiles_y + 1, (n, 2)), axis=1)
    rects = np.hstack([xs, ys]).astype(np.int16)
    order = generator.permutation(n).astype(np.int32)
    starts, members = bin_into_tiles(order, rects, tiles_x, tiles_y, chunks)
    assert starts[0] == 0 and starts[-1] == len(members)
    for y in range(tiles_y):
        for x in range(tiles_x):
            inside = (rects[:, 0] <= x) & (x < rects[:, 1]) & (rects[:, 2] <= y) & (y < rects[:, 3])
            t = y * tiles_x + x
            np.testing.assert_array_equal(members[starts[t] : starts[t + 1]], order[inside[order]])
