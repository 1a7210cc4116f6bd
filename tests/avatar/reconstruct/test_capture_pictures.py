"""Pictures come off the disk as the subject alone, whatever stood behind it."""

from dataclasses import replace
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from captures import ring
from numpy.typing import NDArray
from PIL import Image

from avatar.reconstruct.capture import View
from avatar.reconstruct.capture_pictures import composite, picture_sizes, read_picture

HEIGHT, WIDTH = 16, 24
WHITE, BLACK, BLUE = torch.ones(3), torch.zeros(3), torch.tensor([0.1, 0.2, 0.9])
Bytes = NDArray[np.uint8]


@pytest.fixture
def color() -> Bytes:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def mask() -> Bytes:
    """A disc with a soft edge."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    edge = 7 - np.hypot(x - WIDTH / 2, y - HEIGHT / 2)
    return np.round(255 * np.clip(edge / 3, 0, 1)).astype(np.uint8)


def view_of(
    folder: Path, pixels: NDArray, mask: NDArray | None = None, name: str = "i.png"
) -> View:
    camera = ring(1, (WIDTH, HEIGHT))[0]
    imageio.imwrite(folder / name, pixels)
    if mask is not None:
        imageio.imwrite(folder / "mask.png", mask)
    mask_path = None if mask is None else folder / "mask.png"
    return View(camera, folder / name, mask_path, 0, "0")


def blend(color: Bytes, mask: Bytes, background: torch.Tensor) -> Bytes:
    """color·mask + background·(1 − mask), by the book."""
    share = mask[..., None] / 255.0
    return np.round(color * share + 255 * background.numpy() * (1 - share)).astype(np.uint8)


def laid(view: View, background: torch.Tensor) -> NDArray:
    """Values in 0..255."""
    return composite(read_picture(view), background).numpy() * 255


@pytest.mark.parametrize("background", [WHITE, BLACK, BLUE])
def test_a_mask_cuts_the_subject_out_of_any_scene(
    tmp_path: Path, color: Bytes, mask: Bytes, background: torch.Tensor
):
    view = view_of(tmp_path, color, mask)
    assert np.abs(laid(view, background) - blend(color, mask, background)).max() <= 1.01


@pytest.mark.parametrize("background", [WHITE, BLACK, BLUE])
@pytest.mark.parametrize("outside", [0, 255])
def test_straight_colours_are_multiplied_whatever_lies_beside_them(
    tmp_path: Path, color: Bytes, mask: Bytes, background: torch.Tensor, outside: int
):
    painted = np.where(mask[..., None] > 0, color, np.uint8(outside))
    view = view_of(tmp_path, painted, mask)
    assert np.abs(laid(view, background) - blend(painted, mask, background)).max() <= 1.01


@pytest.mark.parametrize("background", [WHITE, BLACK, BLUE])
def test_a_picture_on_white_is_not_blended_twice(
    tmp_path: Path, color: Bytes, mask: Bytes, background: torch.Tensor
):
    view = view_of(tmp_path, blend(color, mask, WHITE), mask)
    assert np.abs(laid(view, background) - blend(color, mask, background)).max() <= 1.01


def test_on_white_a_picture_on_white_stays_as_it_is(tmp_path: Path, color: Bytes, mask: Bytes):
    on_white = blend(color, mask, WHITE)
    assert np.abs(laid(view_of(tmp_path, on_white, mask), WHITE) - on_white).max() < 0.01


@pytest.mark.parametrize("background", [WHITE, BLUE])
def test_alpha_serves_as_mask(tmp_path: Path, color: Bytes, mask: Bytes, background: torch.Tensor):
    view = view_of(tmp_path, np.dstack([color, mask]))
    assert np.abs(laid(view, background) - blend(color, mask, background)).max() <= 1.01


def test_a_mask_wins_over_alpha(tmp_path: Path, color: Bytes, mask: Bytes):
    opaque = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    view = view_of(tmp_path, np.dstack([color, opaque]), mask)
    assert np.array_equal(read_picture(view).mask, mask)


def test_without_a_mask_all_of_a_picture_is_seen(tmp_path: Path, color: Bytes):
    assert np.abs(laid(view_of(tmp_path, color), BLUE) - color).max() < 0.01


def test_jpeg_grey_and_sixteen_bits(tmp_path: Path, color: Bytes, mask: Bytes):
    smooth = np.repeat(np.linspace(0, 200, WIDTH, dtype=np.uint8)[None, :, None], HEIGHT, 0)
    jpeg = view_of(tmp_path, smooth.repeat(3, -1), mask, "i.jpg")
    assert np.abs(laid(jpeg, WHITE) - blend(smooth.repeat(3, -1), mask, WHITE)).max() < 8
    grey = view_of(tmp_path, smooth[..., 0])
    assert np.abs(laid(grey, WHITE) - smooth).max() < 0.01
    deep = view_of(tmp_path, smooth[..., 0].astype(np.uint16) << 8)
    assert np.abs(laid(deep, WHITE) - smooth).max() < 0.01


def test_pictures_with_a_palette(tmp_path: Path, mask: Bytes):
    color = np.where(mask[..., None] > 127, [200, 40, 90], [10, 250, 30]).astype(np.uint8)
    view = view_of(tmp_path, color)
    Image.fromarray(color).convert("P", palette=Image.Palette.ADAPTIVE).save(view.image)
    assert np.abs(laid(view, WHITE) - color).max() < 0.01


def test_masks_of_three_channels_or_one_bit(tmp_path: Path, color: Bytes, mask: Bytes):
    three = view_of(tmp_path, color, mask[..., None].repeat(3, -1))
    assert np.array_equal(read_picture(three).mask, mask)
    flags = view_of(tmp_path, color, mask > 127)
    assert np.array_equal(read_picture(flags).mask, 255 * (mask > 127))


def test_a_mask_that_changed_its_size(tmp_path: Path, color: Bytes, mask: Bytes):
    view = view_of(tmp_path, color, mask[:-1])
    with pytest.raises(ValueError, match=r"mask\.png: changed its size"):
        read_picture(view)
    assert read_picture(replace(view, mask=None)).color.shape == color.shape


def test_sizes_end_at_what_is_no_picture(tmp_path: Path):
    names = [f"{index} ü.png" for index in range(9)]
    for index, name in enumerate(names):
        imageio.imwrite(tmp_path / name, np.zeros((2, 1 + index, 3), np.uint8))
    sizes = {name: (1 + index, 2) for index, name in enumerate(names)}
    assert picture_sizes(tmp_path / "transforms.json", names) == sizes
    (tmp_path / names[5]).write_text("Dear diary,")
    found = picture_sizes(tmp_path / "transforms.json", names)
    assert found == {name: sizes[name] for name in names[:5]}
