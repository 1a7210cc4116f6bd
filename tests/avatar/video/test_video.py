"""Films are written, decoded again and compared with what went in."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import imageio.v3 as imageio
import numpy as np
import pytest
from films import ALL_KINDS, FILMS, decoded, left_behind, seconds, sound_of, write_film, write_sound

from audio2mesh.sound.waveform import probe_audio
from avatar.video import writer as video
from avatar.video.output import exact_rate
from avatar.video.sound import Sound
from avatar.video.writer import ENCODERS, open_writer
from common.pixels import as_bytes


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """1.23 seconds of a tone at 16 kHz."""
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(19_680) / 16_000)
    return write_sound(tmp_path / "voice.flac", tone[:, None], 16_000)


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
    assert probe_audio(path) == pytest.approx(frames / 25, abs=0.001)


@pytest.mark.parametrize("fps", [23.976, 24.0, 29.97, 30.0, 12.5, 60.0])
def test_fractional_rates(tmp_path: Path, voice: Path, fps: float) -> None:
    frames = round(1.23 * fps)
    path = write_film(tmp_path / "film.mp4", frames, fps=fps, audio=voice)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == exact_rate(fps)
        assert seconds(stream.duration, stream.time_base) == pytest.approx(frames / fps, abs=1e-3)
    assert probe_audio(path) == pytest.approx(frames / fps, abs=1e-3)


@pytest.mark.parametrize(
    ("fps", "rate"),
    [(25.0, Fraction(25)), (29.97, Fraction(30_000, 1001)), (23.976, Fraction(24_000, 1001)),
     (23.98, Fraction(24_000, 1001)), (59.94, Fraction(60_000, 1001)), (12.5, Fraction(25, 2)),
     (30.0, Fraction(30)), (1.0, Fraction(1)), (0.5, Fraction(1, 2))],
)  # fmt: skip
def test_exact_rate(fps: float, rate: Fraction) -> None:
    assert exact_rate(fps) == rate


@pytest.mark.parametrize(
    ("threads", "most", "used"), [(1, ENCODERS, 1), (2, ENCODERS, 2), (7, ENCODERS, 2), (7, 4, 4)]
)
def test_the_encoder_takes_its_share_of_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, most: int, used: int
) -> None:
    monkeypatch.setattr(video, "thread_count", lambda: threads)
    path = tmp_path / "film.mp4"
    with open_writer(path, 256, 256, 25.0, encoders=most) as write:
        write(np.zeros((256, 256, 3), np.uint8))
    assert f" threads={used} ".encode() in path.read_bytes()  # x264 notes its settings in the film


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
@pytest.mark.parametrize("begin", [0.0, 0.2, -0.12])
def test_picture_and_sound_coincide(tmp_path: Path, name: str, begin: float) -> None:
    flashes = [7, 25, 52]
    clicks = np.zeros((44_100 * 3, 1))
    for frame in flashes:
        clicks[round((frame / 25 + begin) * 44_100) :][:200] = 0.9
    audio = write_sound(tmp_path / "clicks.flac", clicks, 44_100)
    path = tmp_path / name
    with open_writer(path, 64, 64, 25.0, Sound(audio, begin)) as write:
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


# ---------------------------------------------------------------------------------------- frames


def test_png_frames_are_exact(tmp_path: Path, voice: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
    path = tmp_path / "film"
    path.mkdir()  # an empty folder may be named
    with open_writer(path, 48, 32, 25.0, Sound(voice)) as write:
        for image in images:
            write(image)
    assert left_behind(path) == {f"frame_{index:06d}.png" for index in (1, 2, 3)}
    for index, image in enumerate(images):
        np.testing.assert_array_equal(imageio.imread(path / f"frame_{index + 1:06d}.png"), image)
