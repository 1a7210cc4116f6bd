"""Files of light: read right, and refused in a sentence."""

import resource
import struct
from pathlib import Path

import numpy as np
import pytest
from light_files import exr_bytes, hdr_bytes

from avatar.lighting.environment import irradiance, pixel_directions, towards
from avatar.lighting.environment_files import read_light, read_lights, read_pixels, read_radiance
from common.errors import InputError


def pixels(height: int = 16, width: int = 32) -> np.ndarray:
    """RGBE [H, W, 4] with runs and without."""
    rng = np.random.default_rng(3)
    rgbe = rng.integers(0, 256, (height, width, 4)).astype(np.uint8)
    rgbe[:, : width // 2] = [200, 130, 90, 129]
    rgbe[..., 3] = np.clip(rgbe[..., 3], 120, 140)
    rgbe[3, 4] = 0
    return rgbe


@pytest.mark.parametrize("runs", [False, True])
def test_radiance_files_hold_mantissas_and_exponents(runs: bool):
    rgbe = pixels()
    found = read_pixels(hdr_bytes(rgbe, runs), "hdr")
    expected = rgbe[..., :3] * 2.0 ** (rgbe[..., 3:].astype(float) - 136)
    expected[3, 4] = 0
    assert np.array_equal(found, expected.astype(np.float32))


def test_old_runs_repeat_the_last_pixel():
    head = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 8\n"
    found = read_pixels(head + bytes([9, 8, 7, 136, 1, 1, 1, 6, 3, 3, 3, 136]), "hdr")
    assert found[0, :, 0].tolist() == [9] * 7 + [3]


@pytest.mark.parametrize("kind", ["<f2", "<f4"])
@pytest.mark.parametrize("compression", [0, 1, 2, 3])
def test_openexr_files_of_scan_lines(compression: int, kind: str):
    picture = np.round(np.random.default_rng(0).random((37, 22, 3)) * 64)
    picture[:, 5:15] = 7
    assert np.array_equal(read_pixels(exr_bytes(picture, compression, kind), "exr"), picture)


@pytest.mark.parametrize("suffix", [".hdr", ".exr"])
def test_a_file_lights_from_where_it_is_bright(tmp_path: Path, suffix: str):
    sky = np.full((32, 64, 3), 0.1)
    sky[pixel_directions(32, 64) @ towards(60, 20) > 0.95] = 50.0
    path = tmp_path / f"sky{suffix}"
    rgbe = np.dstack([np.clip(sky * 2, 0, 255), np.full((32, 64), 135)]).astype(np.uint8)
    path.write_bytes(hdr_bytes(rgbe, True) if suffix == ".hdr" else exr_bytes(sky, 3))
    light = read_light(str(path))
    facing, away = irradiance(light, np.stack([towards(60, 20), towards(-120, -20)]))[:, 0]
    assert 0.95 < facing <= 1.05 and away < 0.1


@pytest.mark.parametrize("compression", [0, 1, 3])
def test_broken_files_get_a_sentence_and_nothing_else(compression: int):
    """Bytes changed and cut away at random: a picture comes out, or InputError."""
    rng = np.random.default_rng(compression)
    whole = {
        "hdr": hdr_bytes(pixels(), compression == 1),
        "exr": exr_bytes(np.random.default_rng(0).random((20, 10, 3)), compression),
    }
    for decoder, data in whole.items():
        for _ in range(400):
            broken = bytearray(data[: rng.integers(1, len(data) + 1)])
            for place in rng.integers(0, len(broken), rng.integers(0, 6)):
                broken[place] = rng.integers(0, 256)
            try:
                assert read_pixels(bytes(broken), decoder).shape[-1] == 3
            except InputError as error:
                assert len(str(error)) > 10


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.hdr", b"GIF89a", "no picture that can be read"),
        ("a.exr", b"\x89PNG", "no picture that can be read"),
        ("a.hdr", hdr_bytes(np.zeros((8, 16, 4), np.uint8), False), "is black"),
        ("a.hdr", hdr_bytes(pixels(16, 16), True), "twice as wide"),
        ("a.hdr", b"#?RADIANCE\n\n-Y 99999 +X 199998\n", "more than 2"),
        ("a.hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 2 +X 4\n", "no picture"),
        ("a.exr", exr_bytes(np.ones((8, 16, 3)), 0, "<u4"), "whole numbers"),
        ("a.exr", exr_bytes(np.full((8, 16, 3), np.nan), 0), "no numbers"),
        ("a.exr", exr_bytes(np.ones((8, 16, 3)), 0).replace(b"R\0", b"Q\0"), "no picture"),
    ],
)
def test_files_that_give_no_light_are_named(tmp_path: Path, name: str, data: bytes, said: str):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=said) as told:
        read_radiance(path)
    assert str(path) in str(told.value)


def test_a_header_that_asks_for_gigabytes_is_refused():
    window, wide = (struct.pack("<4i", 0, 0, across - 1, 0) for across in (2, 2**25 + 1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="more than 2"):
        read_pixels(exr_bytes(np.zeros((1, 2, 3)), 2).replace(window, wide), "exr")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**23 / 1024


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_light(str(tmp_path / "sky.hdr"))


def test_lights_of_a_page_are_named_by_their_option():
    read_lights(("studio", "window"))
    with pytest.raises(InputError, match=r"^--lights 'moonshine': "):
        read_lights(("studio", "moonshine"))
