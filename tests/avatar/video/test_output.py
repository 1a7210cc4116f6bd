"""What cannot be written is refused beforehand; a failure on the way leaves nothing behind."""

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from films import ALL_KINDS, FILMS, left_behind, write_film, write_sound

from avatar.video.output import check_output, check_picture
from avatar.video.writer import open_writer


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """1.23 seconds of a tone at 16 kHz."""
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(19_680) / 16_000)
    return write_sound(tmp_path / "voice.flac", tone[:, None], 16_000)


# ---------------------------------------------------------------------------- refused beforehand


@pytest.mark.parametrize(
    ("width", "height", "fps", "sentence"),
    [(511, 512, 25, "width 511: must be even for video; use 510 or 512"),
     (512, 3, 25, "height 3: must be even for video; use 2 or 4"),
     (0, 512, 25, "width 0: must be at least 2 pixels"),
     (512, -2, 25, "height -2: must be at least 2 pixels"),
     (512, 512, 0, "fps 0: must be a positive number"),
     (512, 512, float("nan"), "fps nan: must be a positive number")],
)  # fmt: skip
def test_bad_picture(tmp_path: Path, width: int, height: int, fps: float, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_picture(width, height, fps)
    with (
        pytest.raises(ValueError, match=sentence),
        open_writer(tmp_path / "film.mp4", width, height, fps),
    ):
        pass
    assert not left_behind(tmp_path)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="gone does not exist; create it first"):
        check_output(tmp_path / "gone" / "film.mp4")


@pytest.mark.parametrize("name", ["film.avi", "film.png", "film.v2", "film.MP3"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"use \.mp4, \.webm or \.mov, or for PNG frames"):
        check_output(tmp_path / name)


def test_names_that_are_taken(tmp_path: Path, voice: Path) -> None:
    (tmp_path / "film.mp4").mkdir()
    with pytest.raises(ValueError, match="is a folder; name a file"):
        check_output(tmp_path / "film.mp4")
    with pytest.raises(ValueError, match="exists already; name a new folder"):
        check_output(tmp_path)
    (tmp_path / "note").touch()
    with pytest.raises(ValueError, match="exists already; name a new folder"):
        check_output(tmp_path / "note")


def test_the_recording_is_not_overwritten(tmp_path: Path, voice: Path) -> None:
    video = write_film(tmp_path / "talk.mp4", 10, audio=voice)
    content = video.read_bytes()
    with pytest.raises(ValueError, match="is the recording itself"):
        write_film(video, 5, audio=video)
    assert video.read_bytes() == content


def test_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("common.writable.tempfile.TemporaryFile", refuse)
    with pytest.raises(OSError, match=r"film\.mp4: cannot be written: Permission denied; choose"):
        check_output(tmp_path / "film.mp4")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a /proc file system")
def test_folder_in_which_nothing_can_be_made() -> None:
    with pytest.raises(OSError, match="cannot be written: "):
        check_output(Path("/proc/film.mp4"))


# --------------------------------------------------------------------------- failures on the way


@pytest.mark.parametrize("name", ALL_KINDS)
@pytest.mark.parametrize("before", [0, 1, 20])
def test_ctrl_c_leaves_nothing(tmp_path: Path, name: str, before: int) -> None:
    with pytest.raises(KeyboardInterrupt), open_writer(tmp_path / name, 64, 64, 25.0) as write:
        for _ in range(before):
            write(np.zeros((64, 64, 3), np.uint8))
        signal.raise_signal(signal.SIGINT)
    assert not left_behind(tmp_path)


@pytest.mark.parametrize("name", ["film.mp4", "film.webm"])
def test_a_failure_keeps_the_older_film(tmp_path: Path, name: str) -> None:
    path = write_film(tmp_path / name, 3)
    content = path.read_bytes()
    with pytest.raises(RuntimeError), open_writer(path, 64, 64, 25.0):
        raise RuntimeError
    assert path.read_bytes() == content
    assert left_behind(tmp_path) == {name}


@pytest.mark.parametrize("name", FILMS)
def test_sound_that_breaks_off_surfaces(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (96_000, 2))
    audio = write_sound(tmp_path / "noise.flac", noise, 48_000)
    audio.write_bytes(audio.read_bytes()[:-60_000])
    with pytest.raises(ValueError, match=r"noise\.flac: the sound is cut off"):
        write_film(tmp_path / name, 50, audio=audio)
    assert left_behind(tmp_path) == {"noise.flac"}


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ALL_KINDS)
@pytest.mark.parametrize("frames", [4, 40])
def test_no_room(tmp_path: Path, name: str, frames: int) -> None:
    """A limit on the size of files stands in for a full disk: both fail inside write(2)."""
    noise = np.random.default_rng(0)
    with (
        pytest.raises(OSError, match="cannot be written: the file gets larger than this system"),
        room_for(9_000),
        open_writer(tmp_path / name, 128, 128, 25.0) as write,
    ):
        for _ in range(frames):
            write(noise.integers(0, 256, (128, 128, 3), dtype=np.uint8))
    assert not left_behind(tmp_path)


def test_full_disk_has_its_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match=r"film\.mp4: cannot be written: the disk is full; free"),
        open_writer(tmp_path / "film.mp4", 64, 64, 25.0),
    ):
        Path("/dev/full").write_text("x")
    assert not left_behind(tmp_path)


MEASURE_MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
from avatar.video.sound import Sound
from avatar.video.writer import open_writer
folder = Path(sys.argv[1])
image = np.full((256, 256, 3), 40, np.uint8)
image[64:128, 64:128] = (200, 150, 100)
def peak(frames):
    for name in ("film.mp4", "film.webm"):
        with open_writer(folder / name, 256, 256, 25.0, Sound(folder / "voice.flac")) as write:
            for frame in range(frames):
                write(np.roll(image, frame, axis=1))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
short = peak(40)
print(peak(240) - short)
"""


def test_memory_does_not_grow_with_length(tmp_path: Path, voice: Path) -> None:
    command = [sys.executable, "-c", MEASURE_MEMORY, str(tmp_path)]
    grown = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert grown < 20  # MiB; 200 frames are 37 MiB
