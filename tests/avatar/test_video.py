"""Films are written, decoded again and compared with what went in."""

import resource
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import imageio.v3 as imageio
import numpy as np
import pytest
from numpy.typing import NDArray

from audio2mesh.waveform import load_audio, probe_audio
from avatar.output import check_picture, exact_rate
from avatar.video import as_bytes, check_output, open_writer

FILMS = ["film.mp4", "film.webm"]
ALL_KINDS = [*FILMS, "film.gif", "film"]


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """1.23 seconds of a tone at 16 kHz."""
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(19_680) / 16_000)
    return write_sound(tmp_path / "voice.flac", tone[:, None], 16_000)


def write_sound(path: Path, sound: NDArray[np.float64], rate: int) -> Path:
    """A lossless file of [S, C] in [-1, 1]."""
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[sound.shape[1]]
    packed = np.round(sound * 32767).astype(np.int16).reshape(1, -1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(packed, "s16", layout)
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_film(
    path: Path, frames: int, size: tuple[int, int] = (64, 48), fps: float = 25.0,
    audio: Path | None = None,
) -> Path:  # fmt: skip
    """A film in which a light square moves over a dark ground."""
    with open_writer(path, *size, fps, audio) as write:
        for frame in range(frames):
            image = np.full((size[1], size[0], 3), 0.2, np.float32)
            image[8:24, frame % 32 : frame % 32 + 16] = (0.9, 0.7, 0.5)
            write(image)
    return path


def decoded(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        frames = container.decode(container.streams.video[0])
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in frames]


def seconds(ticks: int | None, time_base: Fraction | None) -> float:
    """Time in libav's ticks → seconds."""
    assert ticks is not None
    assert time_base is not None
    return float(ticks * time_base)


def sound_of(path: Path) -> NDArray[np.float32]:
    """The mono sound track at 48 kHz."""
    return load_audio(path, 48_000)


def left_behind(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# ------------------------------------------------------------------------------------- the film


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize("frames", [1, 2, 30, 31, 40])
def test_frames_and_durations(tmp_path: Path, voice: Path, name: str, frames: int) -> None:
    path = write_film(tmp_path / name, frames, audio=voice)
    assert len(decoded(path)) == frames
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        times = [seconds(frame.pts, frame.time_base) for frame in container.decode(video)]
        np.testing.assert_allclose(times, np.arange(frames) / 25, atol=0.002)
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(frames / 25, abs=0.01)
        if video.duration is not None:
            assert seconds(video.duration, video.time_base) == pytest.approx(frames / 25)
        assert audio.rate == 48_000
    assert probe_audio(path).seconds == pytest.approx(frames / 25, abs=0.001)


@pytest.mark.parametrize("fps", [23.976, 24.0, 29.97, 30.0, 12.5, 60.0])
def test_fractional_rates(tmp_path: Path, voice: Path, fps: float) -> None:
    frames = round(1.23 * fps)
    path = write_film(tmp_path / "film.mp4", frames, fps=fps, audio=voice)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == exact_rate(fps)
        assert seconds(stream.duration, stream.time_base) == pytest.approx(frames / fps, abs=1e-3)
    assert probe_audio(path).seconds == pytest.approx(frames / fps, abs=1e-3)


@pytest.mark.parametrize(
    ("fps", "rate"),
    [(25.0, Fraction(25)), (29.97, Fraction(30_000, 1001)), (23.976, Fraction(24_000, 1001)),
     (23.98, Fraction(24_000, 1001)), (59.94, Fraction(60_000, 1001)), (12.5, Fraction(25, 2)),
     (30.0, Fraction(30)), (1.0, Fraction(1)), (0.5, Fraction(1, 2))],
)  # fmt: skip
def test_exact_rate(fps: float, rate: Fraction) -> None:
    assert exact_rate(fps) == rate


@pytest.mark.parametrize("name", ALL_KINDS)
@pytest.mark.parametrize("size", [(550, 802), (2, 2), (66, 130)])
def test_size_is_kept(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    path = tmp_path / name
    with open_writer(path, *size, 25.0) as write:
        for level in (10, 200):
            write(np.full((size[1], size[0], 3), level, np.uint8))
    pictures = [imageio.imread(png) for png in path.iterdir()] if path.is_dir() else decoded(path)
    assert [picture.shape for picture in pictures] == 2 * [(size[1], size[0], 3)]


def test_moov_lies_before_the_pictures(tmp_path: Path, voice: Path) -> None:
    content = write_film(tmp_path / "film.mp4", 30, audio=voice).read_bytes()
    boxes, start = [], 0
    while start < len(content):
        size, kind = struct.unpack(">I4s", content[start : start + 8])
        boxes.append(kind)
        start += size
    assert boxes.index(b"moov") < boxes.index(b"mdat")


@pytest.mark.parametrize("name", FILMS)
def test_picture_and_sound_coincide(tmp_path: Path, name: str) -> None:
    flashes = [7, 25, 52]
    clicks = np.zeros((44_100 * 3, 1))
    for frame in flashes:
        clicks[round(frame / 25 * 44_100) :][:200] = 0.9
    audio = write_sound(tmp_path / "clicks.flac", clicks, 44_100)
    path = tmp_path / name
    with open_writer(path, 64, 64, 25.0, audio) as write:
        for frame in range(75):
            write(np.full((64, 64, 3), 255 if frame in flashes else 0, np.uint8))
    seen = [index for index, image in enumerate(decoded(path)) if image.mean() > 128]
    loud = np.flatnonzero(np.abs(sound_of(path)) > 0.4)
    heard = loud[np.diff(loud, prepend=-48_000) > 4_800] / 48_000
    assert seen == flashes
    np.testing.assert_allclose(heard, np.array(flashes) / 25, atol=0.002)


@pytest.mark.parametrize("name", FILMS)
def test_colours_survive(tmp_path: Path, name: str) -> None:
    levels = [0, 64, 128, 192, 255]
    patches = np.array([(r, g, b) for r in levels for g in levels for b in (0, 128, 255)], np.uint8)
    image = np.kron(patches.reshape(5, 15, 3), np.ones((16, 16, 1), np.uint8))
    path = tmp_path / name
    with open_writer(path, 240, 80, 25.0) as write:
        for _ in range(5):
            write(image)
    centres = decoded(path)[-1][8::16, 8::16].reshape(-1, 3)
    error = np.abs(centres.astype(int) - patches)
    assert error.max() <= 4
    assert error.mean() <= 1
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        tags = (context.colorspace, context.color_range, context.color_primaries)
        assert tags == (1, 1, 1)  # BT.709, limited range, BT.709
        assert context.pix_fmt == "yuv420p"


@pytest.mark.parametrize("name", FILMS)
def test_stereo_stays_and_surround_becomes_stereo(tmp_path: Path, name: str) -> None:
    for channels in (2, 6):
        sound = np.zeros((48_000, channels))
        sound[:, 0] = 0.5 * np.sin(np.arange(48_000) / 10)
        audio = write_sound(tmp_path / f"{channels}.flac", sound, 48_000)
        path = write_film(tmp_path / name, 25, audio=audio)
        with av.open(str(path)) as container:
            blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
        left, right = np.concatenate(blocks, axis=1)
        assert np.abs(left).mean() > 20 * np.abs(right).mean()


def test_the_sound_is_of_the_recording_and_not_of_telephone_quality(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 12_000 * np.arange(48_000) / 48_000)
    audio = write_sound(tmp_path / "high.flac", tone[:, None], 48_000)
    heard = sound_of(write_film(tmp_path / "film.mp4", 25, audio=audio))
    spectrum = np.abs(np.fft.rfft(heard[:48_000]))
    assert np.argmax(spectrum) == pytest.approx(12_000, abs=2)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.5 / 2**0.5, rel=0.05)


def test_short_sound_is_followed_by_silence(tmp_path: Path, voice: Path) -> None:
    heard = sound_of(write_film(tmp_path / "film.mp4", 50, audio=voice))
    assert np.abs(heard[: int(1.2 * 48_000)]).max() > 0.25
    assert np.abs(heard[int(1.3 * 48_000) :]).max() < 0.01


def test_without_sound(tmp_path: Path) -> None:
    with av.open(str(write_film(tmp_path / "film.mp4", 5))) as container:
        assert not container.streams.audio


def test_floats_are_rounded_and_clipped() -> None:
    image = np.array([[[-0.5, 0.0, 0.5], [1.0, 1.5, 254.5 / 255]]], np.float32)
    assert as_bytes(image).tolist() == [[[0, 0, 128], [255, 255, 255]]]
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(as_bytes((levels / 255).astype(np.float32)), levels)


# -------------------------------------------------------------------------------- gif and frames


@pytest.mark.parametrize(("fps", "delays"), [(25.0, {40}), (30.0, {30, 40}), (50.0, {20})])
def test_gif(tmp_path: Path, voice: Path, fps: float, delays: set[int]) -> None:
    path = write_film(tmp_path / "film.gif", 30, fps=fps, audio=voice)
    metadata = [imageio.immeta(path, index=index) for index in range(30)]
    assert {entry["duration"] for entry in metadata} == delays
    assert sum(entry["duration"] for entry in metadata) == pytest.approx(30_000 / fps, abs=10)
    assert metadata[0]["loop"] == 0
    last = imageio.imread(path, index=29)
    assert (
        np.abs(last[16, 37].astype(int) - as_bytes(np.array([0.9, 0.7, 0.5], np.float32))).max()
        <= 2
    )
    assert np.abs(last[40, 5].astype(int) - 51).max() <= 2


def test_gif_cannot_be_faster_than_players_show(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"film\.gif: a GIF shows at most 50 frames"):
        write_film(tmp_path / "film.gif", 2, fps=60.0)
    assert not left_behind(tmp_path)


def test_png_frames_are_exact(tmp_path: Path, voice: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
    path = tmp_path / "film"
    path.mkdir()  # an empty folder may be named
    with open_writer(path, 48, 32, 25.0, voice) as write:
        for image in images:
            write(image)
    assert left_behind(path) == {f"frame_{index:06d}.png" for index in (1, 2, 3)}
    for index, image in enumerate(images):
        np.testing.assert_array_equal(imageio.imread(path / f"frame_{index + 1:06d}.png"), image)


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
    with pytest.raises(ValueError, match=r"use \.mp4, \.webm or \.gif, or for PNG frames"):
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

    monkeypatch.setattr("avatar.output.tempfile.TemporaryFile", refuse)
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


@pytest.mark.parametrize("name", ["film.mp4", "film.webm", "film.gif"])
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
from avatar.video import open_writer
folder = Path(sys.argv[1])
image = np.full((256, 256, 3), 40, np.uint8)
image[64:128, 64:128] = (200, 150, 100)
def peak(frames):
    for name in ("film.mp4", "film.webm", "film.gif"):
        with open_writer(folder / name, 256, 256, 25.0, folder / "voice.flac") as write:
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
