"""Which rows of a tile a Gaussian is drawn in, and which part of the tile still takes any."""

import numpy as np
import pytest

from splat.cpu import fields as f
from splat.cpu.fields import TILE
from splat.cpu.tile import BATCH, COPIED, live_part, reached_rows, start_transmittance


def ellipses(seed: int) -> np.ndarray:
    """A batch [COPIED, BATCH]: round ones, needles at any angle, in and around a tile."""
    random = np.random.default_rng(seed)
    long = np.exp(random.uniform(-1, 6, BATCH))
    angle = random.uniform(0, np.pi, BATCH)
    along = np.stack([np.cos(angle), np.sin(angle)])  # [2, BATCH]
    cov = long**2 * along[:, None] * along[None] + np.eye(2)[..., None] * 0.3  # [2, 2, BATCH]
    det = cov[0, 0] * cov[1, 1] - cov[0, 1] ** 2
    opacity = random.uniform(0.01, 1, BATCH)
    batch = np.zeros((COPIED, BATCH), np.float32)
    batch[f.MEAN_X], batch[f.MEAN_Y] = random.uniform(-20, 36, (2, BATCH))
    batch[f.SHEAR] = cov[0, 1] / cov[1, 1]
    batch[f.NEG_A], batch[f.NEG_C] = -cov[1, 1] / det / 2, -0.5 / cov[1, 1]
    batch[f.OPACITY] = opacity
    batch[f.EXTENT_Y] = np.sqrt(2 * (np.log(opacity * 255) + 1e-4) * cov[1, 1])
    return batch


def seen(batch: np.ndarray, part: tuple[int, int, int, int]) -> np.ndarray:  # [BATCH, TILE] rows
    """Rows with a pixel of the part in which alpha passes the threshold, one pixel at a time."""
    b = batch.astype(np.float64)[:, :, None, None]
    row, column = np.mgrid[:TILE, :TILE]
    dy = row - b[f.MEAN_Y]
    dx = column - b[f.MEAN_X] - b[f.SHEAR] * dy
    alpha = b[f.OPACITY] * np.exp(b[f.NEG_A] * dx**2 + b[f.NEG_C] * dy**2)
    left, right, top, bottom = part
    inside = (column >= left) & (column <= right) & (row >= top) & (row <= bottom)
    return ((alpha >= 1 / 255) & inside).any(2)


@pytest.mark.parametrize("part", [(0, 15, 0, 15), (3, 9, 2, 13), (15, 15, 0, 15), (0, 4, 7, 7)])
def test_every_seen_row_is_drawn_and_hardly_another(part: tuple[int, int, int, int]) -> None:
    drawn_rows = seen_rows = 0
    for seed in range(80):
        batch, rows = ellipses(seed), np.empty((2, BATCH), np.int32)
        reached_rows(batch, BATCH, part, rows)
        number = np.arange(TILE)
        drawn = (number >= rows[0, :, None]) & (number < rows[1, :, None])  # [BATCH, TILE]
        wanted = seen(batch, part)
        assert not (wanted & ~drawn).any()
        drawn_rows, seen_rows = drawn_rows + drawn.sum(), seen_rows + wanted.sum()
    assert seen_rows > 50
    assert drawn_rows < 1.35 * seen_rows + 100  # the outline may pass between two pixel centres


def test_the_live_part_holds_every_pixel_that_takes_more() -> None:
    highest = np.empty(TILE, np.float32)
    planes = np.full(TILE * TILE, -0.5, np.float32)
    assert live_part(planes, highest)[3] < live_part(planes, highest)[2]
    planes.reshape(TILE, TILE)[4, 11] = planes.reshape(TILE, TILE)[9, 2] = 0.1
    assert live_part(planes, highest) == (2, 11, 4, 9)


def test_what_hangs_over_the_border_takes_nothing() -> None:
    planes, highest = np.empty(TILE * TILE, np.float32), np.empty(TILE, np.float32)
    start_transmittance(planes, 5, 100)
    assert live_part(planes, highest) == (0, TILE - 1, 0, 4)
    assert np.abs(planes).min() == np.abs(planes).max() == 1
