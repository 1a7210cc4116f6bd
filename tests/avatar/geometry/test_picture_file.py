"""Photos of all kinds become upright sRGB pictures."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from avatar.geometry.picture_file import read_photo, read_picture
from common.errors import InputError

ORIENTATION, FOCAL_35 = 0x0112, 0xA405
UPRIGHT = {
    1: lambda p: p,
    2: np.fliplr,
    3: lambda p: np.rot90(p, 2),
    4: np.flipud,
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
    8: np.rot90,
}
"""What each EXIF orientation asks for (CIPA DC-008)."""


def ramp(height: int = 30, width: int = 40) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 6, columns * 6, 200 - rows * 2 - columns * 2], -1).astype(np.uint8)


def saved(path: Path, image: Image.Image, focal: int | None = None, **options: Any) -> Path:
    exif = Image.Exif()
    exif[ORIENTATION] = options.pop("orientation", 1)
    if focal is not None:
        exif.get_ifd(0x8769)[FOCAL_35] = focal
    image.save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_photos_stand_upright(tmp_path: Path, orientation: int):
    path = saved(tmp_path / "a.png", Image.fromarray(ramp()), orientation=orientation)
    found = read_photo(path)
    np.testing.assert_array_equal(found.picture, UPRIGHT[orientation](ramp()))
    assert found.focal is None
    np.testing.assert_array_equal(read_picture(path), ramp())  # a texture stays as it lies


def test_deep_and_grey_and_other_pictures_have_their_levels(tmp_path: Path):
    grey = ramp()[..., 0]
    sixteen = Image.fromarray(grey.astype(np.uint16) * 257)
    images = {
        "16.png": sixteen,
        "16.tif": sixteen,
        "8.png": Image.fromarray(grey),
        "cmyk.tif": Image.fromarray(np.repeat(grey[..., None], 3, 2)).convert("CMYK"),
    }
    for name, image in images.items():
        found = read_photo(saved(tmp_path / name, image)).picture
        np.testing.assert_array_equal(found, np.repeat(grey[..., None], 3, 2), err_msg=name)
    turned = read_photo(saved(tmp_path / "t.png", sixteen, orientation=6)).picture
    np.testing.assert_array_equal(turned[..., 0], np.rot90(grey, -1))


def test_what_is_transparent_is_grey(tmp_path: Path):
    alpha = np.zeros((30, 40, 1), np.uint8)
    alpha[:, 20:] = 255
    path = saved(tmp_path / "a.png", Image.fromarray(np.concatenate([ramp(), alpha], -1)))
    photo = read_photo(path)
    found = photo.picture
    assert (found[:, :20] == 128).all()
    np.testing.assert_array_equal(found[:, 20:], ramp()[:, 20:])
    np.testing.assert_array_equal(photo.opacity, alpha)
    small = read_photo(path, 20)
    assert small.opacity is not None and small.opacity.shape == (*small.picture.shape[:2], 1)
    assert read_photo(saved(tmp_path / "solid.png", Image.fromarray(ramp()))).opacity is None
    palette = Image.fromarray(np.zeros((8, 8), np.uint8)).convert("P")
    assert (read_photo(saved(tmp_path / "p.png", palette, transparency=0)).picture == 128).all()


def test_colours_of_a_profile_become_srgb(tmp_path: Path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = saved(tmp_path / "same.png", Image.fromarray(ramp()), icc_profile=profile)
    np.testing.assert_allclose(read_photo(same).picture, ramp(), atol=1)
    broken = saved(tmp_path / "broken.png", Image.fromarray(ramp()), icc_profile=b"no profile")
    np.testing.assert_array_equal(read_photo(broken).picture, ramp())
    swapped = with_red_and_green_swapped(profile)
    found = read_photo(saved(tmp_path / "a.png", Image.fromarray(ramp()), icc_profile=swapped))
    np.testing.assert_allclose(found.picture, ramp()[..., [1, 0, 2]], atol=2)


def with_red_and_green_swapped(profile: bytes) -> bytes:
    """A profile whose red is the green of another (ICC.1, tag table), and the other way round."""
    return profile.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")


def test_large_photos_are_bounded_and_know_their_focal_length(tmp_path: Path):
    large = Image.fromarray(ramp()).resize((5472, 3648), Image.Resampling.BILINEAR)  # 20 megapixels
    path = saved(tmp_path / "a.jpg", large, focal=26, orientation=8, quality=90)
    found = read_photo(path, longest=912)
    assert found.picture.shape == (912, 608, 3)
    assert found.focal == pytest.approx(26 / math.hypot(36, 24) * math.hypot(912, 608), rel=1e-3)
    small = np.asarray(large.resize((912, 608), Image.Resampling.BOX), float)
    assert np.abs(found.picture - np.rot90(small)).mean() < 2
    assert (
        read_photo(saved(tmp_path / "b.png", Image.fromarray(ramp())), 100).picture.shape[1] == 40
    )


def test_what_is_no_picture_is_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="no such picture"):
        read_photo(tmp_path / "none.jpg")
    (tmp_path / "a.jpg").write_text("no picture")
    whole = saved(tmp_path / "b.jpg", Image.fromarray(ramp()))
    whole.write_bytes(whole.read_bytes()[:-200])
    for name in ("a.jpg", "b.jpg"):
        with pytest.raises(InputError, match=r"not a picture that can be read .* save it as"):
            read_photo(tmp_path / name)
