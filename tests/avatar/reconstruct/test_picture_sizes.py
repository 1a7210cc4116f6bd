"""Sizes of pictures: from their headers once, then from the cache while the files stay the same."""

import os
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from avatar.reconstruct import capture_pictures as module
from avatar.reconstruct.capture_pictures import picture_sizes

COUNT = 600  # more than one batch


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that lies beside pictures of 1 to 20 by 2 pixels; a cache of its own."""
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "capture"
    folder.mkdir()
    for index in range(COUNT):
        picture = np.zeros((2, width(index), 3), np.uint8)
        imageio.imwrite(folder / name(index), picture, compress_level=0)
    return folder / "transforms.json"


def width(index: int) -> int:
    return 1 + index % 20


def name(index: int) -> str:
    return f"{index:04d} ü.png"


NAMES = [name(index) for index in range(COUNT)]
SIZES = {name(index): (width(index), 2) for index in range(COUNT)}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The pictures whose headers were read since the last question, in order."""
    read: list[str] = []
    original = module.picture_size

    def watched(path: Path) -> tuple[int, int]:
        read.append(path.name)
        return original(path)

    def since() -> list[str]:
        names = sorted(read)
        read.clear()
        return names

    monkeypatch.setattr(module, "picture_size", watched)
    return since


def test_every_header_is_read_once(source: Path, opened: Callable[[], list[str]]):
    assert picture_sizes(source, NAMES) == SIZES
    assert opened() == NAMES
    assert picture_sizes(source, NAMES) == SIZES
    assert opened() == []


def test_changed_files_are_read_again(source: Path, opened: Callable[[], list[str]]):
    picture_sizes(source, NAMES)
    opened()
    imageio.imwrite(source.parent / NAMES[7], np.zeros((9, 8, 3), np.uint8))  # of other bytes
    touched = source.parent / NAMES[300]  # of as many bytes
    before = touched.stat()
    imageio.imwrite(touched, np.zeros((width(300), 2, 3), np.uint8), compress_level=0)
    os.utime(touched, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    changed = {NAMES[7]: (8, 9), NAMES[300]: (2, width(300))}
    for _ in range(2):
        assert picture_sizes(source, NAMES) == SIZES | changed
    assert opened() == sorted(changed)


def test_it_is_known_by_its_place_however_it_is_spelt(
    source: Path, opened: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
):
    picture_sizes(source, NAMES)
    opened()
    monkeypatch.chdir(source.parent)
    assert picture_sizes(Path("..") / "capture" / source.name, NAMES) == SIZES
    assert opened() == []


def test_it_ends_at_what_is_no_picture_and_keeps_the_rest(
    source: Path, opened: Callable[[], list[str]]
):
    broken = source.parent / NAMES[400]
    whole = broken.read_bytes()
    broken.write_text("Dear diary,\n")
    found = picture_sizes(source, NAMES)
    assert NAMES[400] not in found and NAMES[10] in found
    assert found.items() <= SIZES.items()
    opened()
    broken.write_bytes(whole)
    assert picture_sizes(source, NAMES) == SIZES
    again = opened()
    assert NAMES[400] in again and NAMES[10] not in again


@pytest.mark.parametrize("content", [b"", b"PK", "arrays", "rows"])
def test_a_damaged_cache_is_made_anew(source: Path, tmp_path: Path, content: bytes | str):
    picture_sizes(source, NAMES)
    (file,) = (tmp_path / "cache").rglob("*.npz")
    match content:
        case bytes():
            file.write_bytes(content)
        case "arrays":
            np.savez(file, other=np.zeros(3))
        case _:
            np.savez(file, names=np.zeros(3, np.uint8), rows=np.zeros((2, 4), np.int64))
    damaged = file.read_bytes()
    assert picture_sizes(source, NAMES) == SIZES
    assert file.read_bytes() != damaged


def test_a_cache_that_cannot_be_written_is_said(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert picture_sizes(source, NAMES) == SIZES
    assert "could not be kept" in capsys.readouterr().err
