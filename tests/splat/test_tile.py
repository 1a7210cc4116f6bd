"""Which blocks of a tile a Gaussian is drawn in, and which of them still take any."""

import numpy as np
import pytest

from splat.cpu import fields as f
from splat.cpu.fields import TILE
from splat.cpu.tile import (
    BATCH,
    COPIED,
    PIXELS,
    alpha_above,
    first_block,
    live_blocks,
    new_planes,
    reached_blocks,
    row_and_column,
    start_tile,
)

PLACES = np.array([row_and_column(pixel) for pixel in range(PIXELS)])  # [PIXELS, 2]


def ellipses(seed: int) -> np.ndarray:
    """A batch [COPIED, BATCH]: round ones, needles at any angle, in and around a tile."""
    random = np.random.default_rng(seed)
    long = np.exp(random.uniform(-1, 6, BATCH))
    angle = random.uniform(0, np.pi, BATCH)
    along = np.stack([np.cos(angle), np.sin(angle)])  # [2, BATCH]
    cov = long**2 * along[:, None] * along[None] + np.eye(2)[..., None] * 0.3  # [2, 2, BATCH]
    det = cov[0, 0] * cov[1, 1] - cov[0, 1] ** 2
    batch = np.zeros((COPIED, BATCH), np.float32)
    batch[f.MEAN_X], batch[f.MEAN_Y] = random.uniform(-20, 36, (2, BATCH))
    batch[f.SHEAR] = cov[0, 1] / cov[1, 1]
    batch[f.NARROW], batch[f.FALL] = np.sqrt(cov[1, 1] / det / 2), np.sqrt(0.5 / cov[1, 1])
    batch[f.LEVEL] = np.log(random.uniform(0.01, 1, BATCH) * 255)
    batch[f.EAST] = cov[0, 1] * np.sqrt(2 * batch[f.LEVEL] / cov[0, 0])
    return batch


def seen(batch: np.ndarray) -> np.ndarray:  # [BATCH, 16] blocks
    """Blocks with a pixel in which alpha passes the threshold, one pixel at a time."""
    b = batch.astype(np.float64)[:, :, None]
    dy = PLACES[:, 0] - b[f.MEAN_Y]
    dx = PLACES[:, 1] - b[f.MEAN_X] - b[f.SHEAR] * dy
    power = b[f.LEVEL] - (b[f.NARROW] * dx) ** 2 - (b[f.FALL] * dy) ** 2
    return (power >= 0).reshape(BATCH, 16, 16).any(2)


@pytest.mark.parametrize("live", [0xFFFF, 0x8421, 0x0001])
def test_every_seen_block_is_drawn_and_hardly_another(live: int) -> None:
    drawn_blocks = seen_blocks = 0
    for seed in range(80):
        batch, reached = ellipses(seed), np.empty(BATCH, np.uint32)
        reached_blocks(batch, BATCH, np.uint32(live), reached)
        number = np.arange(16)
        drawn = (reached[:, None] >> number & 1).astype(bool)  # [BATCH, 16]
        wanted = seen(batch) & (live >> number & 1).astype(bool)
        assert not (wanted & ~drawn).any()
        drawn_blocks, seen_blocks = drawn_blocks + drawn.sum(), seen_blocks + wanted.sum()
    assert seen_blocks > 50
    assert drawn_blocks < 1.35 * seen_blocks + 100  # the outline may pass between pixel centres


def test_blocks_hold_each_pixel_once_and_four_by_four() -> None:
    assert len(np.unique(PLACES, axis=0)) == PIXELS
    sides = np.ptp(PLACES.reshape(16, 16, 2), axis=1)
    assert (sides == 3).all()


def test_a_block_lives_as_long_as_one_pixel_takes_more() -> None:
    planes = np.full(PIXELS, -0.5, np.float32)
    assert live_blocks(planes) == 0
    planes[16 * 3 + 11] = planes[16 * 9 + 2] = 0.1
    assert live_blocks(planes) == 1 << 3 | 1 << 9


def test_what_hangs_over_the_border_takes_nothing() -> None:
    planes = new_planes(4)
    planes[3 * PIXELS :] = 0.5  # what the tile before left
    start_tile(planes, 5, 100)
    inside = PLACES[:, 0] < 5
    assert (planes[:PIXELS] == np.where(inside, 1, -1)).all()
    assert live_blocks(planes) == 0x00FF
    assert (planes[PIXELS : 3 * PIXELS].reshape(2, PIXELS) == PLACES.T[::-1]).all()
    assert planes[PIXELS:].max() == TILE - 1 and not planes[3 * PIXELS :].any()


def test_alpha_above_is_the_exponential() -> None:
    power = np.linspace(0, 5.6, 2000, dtype=np.float32)
    alpha = np.array([alpha_above(p) for p in power])
    assert np.abs(alpha * 255 / np.exp(power.astype(np.float64)) - 1).max() < 2e-6


@pytest.mark.parametrize("number", range(16))
def test_the_first_block_is_the_lowest_bit(number: int) -> None:
    assert first_block(np.uint32(0x10000 - (1 << number))) == number
