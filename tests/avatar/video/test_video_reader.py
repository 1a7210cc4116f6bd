"""Films of all kinds become upright sRGB pictures at a constant rate."""

import gc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from films import show_by, write_film, write_frames, write_sound
from numpy.typing import NDArray

from avatar.video.reader import LONGEST_STILL, colour_frames, film_info, grey_frames, standard_range
from avatar.video.writer import open_writer
from common.errors import InputError

FOUR = np.array([[(200, 40, 40), (40, 180, 60)], [(50, 60, 210), (220, 220, 220)]], np.uint8)
WHITE_CODE = {"pq": 0.58069, "hlg": 0.75}  # of 203 cd/m², ITU-R BT.2408, table 1

Pixels = NDArray[np.uint8]


def corners(height: int = 48, width: int = 64) -> Pixels:
    """A picture with a colour in each quarter."""
    return FOUR.repeat(height // 2, 0).repeat(width // 2, 1)


def write_still(path: Path, picture: Pixels, frames: int = 3) -> Path:
    with open_writer(path, picture.shape[1], picture.shape[0], 25.0) as write:
        for _ in range(frames):
            write(picture)
    return path


def near(found: Pixels, wanted: Pixels, levels: float = 4) -> bool:
    """Whether the middles of the quarters have the same colours: chroma is at half size."""
    if found.shape != wanted.shape:
        return False
    rows, columns = (length // 4 * np.array([1, 3]) for length in wanted.shape[:2])
    middles = np.ix_(rows, columns)
    return bool(np.abs(found[middles].astype(float) - wanted[middles]).max() < levels)


def test_colours_come_back(tmp_path: Path):
    path = write_still(tmp_path / "a.mp4", corners())
    pictures = list(colour_frames(path))
    assert len(pictures) == 3 and all(near(picture, corners()) for picture in pictures)
    small = next(colour_frames(path, longest=32))
    assert small.shape == (24, 32, 3) and np.abs(small[3, 3].astype(int) - FOUR[0, 0]).max() < 6
    assert next(colour_frames(path, longest=500)).shape == (48, 64, 3)


TURNS = {
    "upright": ((1, 0, 0, 1), lambda p: p),
    "a quarter clockwise": ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
    "half": ((-1, 0, 0, -1), lambda p: np.rot90(p, 2)),
    "a quarter counterclockwise": ((0, -1, 1, 0), np.rot90),
    "mirrored": ((-1, 0, 0, 1), np.fliplr),
    "upside down": ((1, 0, 0, -1), np.flipud),
    "mirrored, a quarter": ((0, 1, 1, 0), lambda p: p.swapaxes(0, 1)),
}


@pytest.mark.parametrize("name", TURNS)
def test_phone_films_stand_upright(tmp_path: Path, name: str):
    matrix, turn = TURNS[name]
    path = show_by(write_still(tmp_path / "a.mp4", corners()), *matrix)
    wanted = np.ascontiguousarray(turn(corners()))
    assert near(next(colour_frames(path)), wanted)
    info = film_info(path)
    assert (info.height, info.width) == wanted.shape[:2]
    assert next(grey_frames(path)).shape == wanted.shape[:2]


def test_times_decide_what_is_shown_not_the_rate(tmp_path: Path):
    levels, times = [20, 90, 160, 230], [0, 10, 12, 50]  # hundredths of a second
    frames = [
        VideoFrame.from_ndarray(np.full((32, 32, 3), level, np.uint8), format="rgb24").reformat(
            format="yuv420p"
        )
        for level in levels
    ]
    path = write_frames(tmp_path / "a.mkv", frames, times)
    for fps in (25.0, 10.0):
        found = [float(picture.mean()) for picture in colour_frames(path, fps=fps)]
        moments = (np.arange(len(found)) + 0.5) / fps * 100
        wanted = [levels[int(np.searchsorted(times, at, side="right")) - 1] for at in moments]
        np.testing.assert_allclose(found, wanted, atol=3)
        assert len(found) >= 0.5 * fps


def test_pixels_that_are_not_square_become_so(tmp_path: Path):
    frame = VideoFrame.from_ndarray(corners(), format="rgb24").reformat(format="yuv420p")
    path = write_frames(
        tmp_path / "a.mp4", [frame], [0], sample_aspect_ratio=Fraction(3, 2), colorspace=5
    )
    assert next(colour_frames(path)).shape == (48, 96, 3)
    assert (film_info(path).width, film_info(path).height) == (96, 48)


@pytest.mark.parametrize(("transfer", "number"), [("pq", 16), ("hlg", 18)])
def test_high_range_is_brought_to_an_ordinary_screen(tmp_path: Path, transfer: str, number: int):
    white = round(WHITE_CODE[transfer] * 65535)
    codes = np.full((32, 64, 3), white, np.uint16)
    codes[:, 32:] = 65535
    frame = VideoFrame.from_ndarray(codes, format="rgb48le").reformat(
        format="yuv420p10le", dst_colorspace="BT2020", dst_color_range="MPEG"
    )
    tags = {"color_trc": number, "colorspace": 9, "color_primaries": 9, "color_range": 1}
    picture = next(colour_frames(write_frames(tmp_path / "a.mp4", [frame], [0], **tags)))
    assert picture.dtype == np.uint8 and np.ptp(picture.reshape(-1, 3), axis=1).max() <= 3
    assert 215 < picture[16, 16, 0] < 250 < picture[16, 48, 0]


def test_high_range_keeps_faces_and_squeezes_lamps():
    """A grey of 18 % under PQ is sRGB's; light never gets darker as its code grows."""
    nits = np.array([0.18 * 203, 0.5 * 203])
    power = (nits / 10_000) ** (1305 / 8192)
    code = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** (2523 / 32)
    grey = np.round(code * 65535).astype(np.uint16)[None, :, None].repeat(3, 2)
    srgb = 255 * (1.055 * (nits / 203) ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(standard_range(grey, "pq")[0, :, 1], srgb, atol=1)
    ramp = np.linspace(0, 65535, 500).astype(np.uint16)[None, :, None].repeat(3, 2)
    for transfer in ("pq", "hlg"):
        shown = standard_range(ramp, transfer)[0].astype(int)
        assert (np.diff(shown, axis=0) >= 0).all() and shown[0].max() == 0 and shown[-1].min() > 250


def test_a_film_says_what_it_is(tmp_path: Path):
    rng = np.random.default_rng(0)
    sound = write_sound(tmp_path / "a.flac", rng.normal(0, 0.1, (48_000, 1)), 48_000)
    silent, loud = (
        write_film(tmp_path / name, 30, fps=30.0, audio=audio)
        for name, audio in (("silent.mp4", None), ("loud.mp4", sound))
    )
    assert film_info(loud).sound_begin == 0 and film_info(silent).sound_begin is None
    info = film_info(silent)
    assert (info.width, info.height) == (64, 48)
    assert info.seconds == pytest.approx(1, abs=0.05) and info.fps == pytest.approx(30)
    assert len(list(colour_frames(silent))) == 25


@pytest.mark.parametrize("read", [colour_frames, grey_frames])
def test_frames_that_were_shown_are_freed_at_once(tmp_path: Path, read: Callable):
    """Large ones would fill the memory before Python looks for cycles of references."""
    path = write_film(tmp_path / "a.mp4", 40)
    gc.collect()
    gc.disable()
    try:
        for _ in read(path):
            alive = sum(type(each) is VideoFrame for each in gc.get_objects())
            assert alive < 8
    finally:
        gc.enable()


def test_broken_text_in_a_film_does_not_hinder_it(tmp_path: Path):
    path = tmp_path / "a.mp4"
    with open_writer(path, 32, 32, 25.0, comment="written by somebody") as write:
        write(np.zeros((32, 32, 3), np.uint8))
    path.write_bytes(path.read_bytes().replace(b"somebody", b"\xff\xfe\xc3body\xff"))
    assert len(list(colour_frames(path))) == 1 and film_info(path).width == 32


def state_length(path: Path, ticks: int) -> Path:
    """The same .mp4 of one stream, which says that it lasts so many ticks."""
    data = bytearray(path.read_bytes().replace(b"edts", b"free"))
    for name, ahead in ((b"mdhd", 20), (b"stts", 16)):
        place = data.index(name) + ahead
        data[place : place + 4] = ticks.to_bytes(4, "big")
    path.write_bytes(data)
    return path


def test_the_last_picture_is_not_repeated_for_hours(tmp_path: Path):
    still = state_length(write_still(tmp_path / "a.mp4", corners(), frames=1), 2**31 - 1)
    assert film_info(still).seconds > 3600
    assert len(list(colour_frames(still))) <= 25 * LONGEST_STILL


def test_a_leap_of_hours_between_pictures_is_refused(tmp_path: Path):
    grey = VideoFrame.from_ndarray(corners(), format="rgb24").reformat(format="yuv420p")
    again = VideoFrame.from_ndarray(corners(), format="rgb24").reformat(format="yuv420p")
    path = write_frames(tmp_path / "a.mkv", [grey, again], [0, 360_000])
    with pytest.raises(InputError, match=r"a\.mkv: is damaged: .* 3600 s apart"):
        list(colour_frames(path))


def test_what_is_no_film_is_refused(tmp_path: Path):
    text, sound = tmp_path / "a.mp4", tmp_path / "a.flac"
    text.write_text("no film")
    write_sound(sound, np.zeros((4800, 1)), 48_000)
    for read in (lambda path: next(colour_frames(path)), film_info):
        with pytest.raises(FileNotFoundError, match="no such file"):
            read(tmp_path / "none.mp4")
        with pytest.raises(InputError, match="is not a film"):
            read(text)
        with pytest.raises(InputError, match="no pictures"):
            read(sound)
