"""Short films of the demo avatar, tracked as films of one person, become clips."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from films import write_film, write_sound

from audio2mesh import load_model
from audio2mesh.data.clips import clip_frames, load_clip, load_clips
from audio2mesh.data.face_geometry import lip_gap
from audio2mesh.model.motion import Motion
from audio2mesh.model.stream import stream_coefficients
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import load_audio
from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry, face_units
from avatar.tracking import films as tracker
from avatar.tracking.films import Record, closures, summary, track_films
from avatar.tracking.options import FilmsOptions
from common.assets import DEMO_AVATAR, DEMO_VOICE
from common.errors import InputError

FRAMES = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two films that speak, and one that shows nobody."""
    made = tmp_path_factory.mktemp("films")
    voice = load_audio(DEMO_VOICE)
    for number in range(2):
        first = number * SAMPLE_RATE * 2
        part = np.asarray(voice[first : first + FRAMES * SAMPLE_RATE // 25, None], np.float64)
        sound = write_sound(made / f"{number}.flac", part, SAMPLE_RATE)
        film = made / f"said_{number}.mp4"
        drive(DriveOptions(DEMO_AVATAR, audio=sound, out=film, width=320, height=320, still=True))
    write_film(made / "square.mp4", FRAMES, (320, 320), audio=made / "0.flac")
    return made


def options_of(folder: Path, out: Path, **others: Any) -> FilmsOptions:
    return FilmsOptions(
        films=(folder,), out=out, size=256, key_frames=10, crops=3, sync=0.0, **others
    )  # fmt: skip


@pytest.fixture(scope="module")
def clips(folder: Path) -> tuple[Path, list[Record]]:
    out = folder / "clips"
    return out, track_films(options_of(folder, out, speaker="anna"))


def units_and_rest():
    head = load_head()
    return face_units(head), head.vertices


def test_clips_hold_what_the_lips_did(clips, folder):
    out, _ = clips
    face, model = face_geometry(load_head()), load_model()
    for number in range(2):
        clip = load_clip(out / f"said_{number}.npz", *units_and_rest())
        sound = load_audio(folder / f"{number}.flac")
        true = torch.cat(list(stream_coefficients(model, [sound])))[:FRAMES]
        wanted = lip_gap(Motion(true, model.basis), face)
        found = clip_frames(clip, 25.0, len(wanted))
        gap = lip_gap(Motion(found, clip.motion.basis), face)
        assert torch.corrcoef(torch.stack([gap, wanted]))[0, 1] > 0.85
        assert 0.85 < gap.std() / wanted.std() < 1.2
        assert gap.min() < 0.5e-3
        assert clip.style == "anna" and clip.origin == "tracked"
        assert abs(clip.seconds - FRAMES / 25) < 0.05


def test_a_film_without_a_face_is_dropped_with_the_reason(clips):
    out, records = clips
    dropped = [record for record in records if record.dropped]
    assert [record.film for record in dropped] == ["square"]
    assert "no face" in dropped[0].dropped and str(out.parent) not in dropped[0].dropped
    assert not (out / "square.npz").exists()
    *reasons, line = summary(records)
    assert reasons == [f"square: dropped: {dropped[0].dropped}"]
    assert line.startswith(f"2 of 3 films, {2 * FRAMES} frames at")


def test_the_same_command_leaves_what_is_there(clips, folder, monkeypatch):
    out, records = clips
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.npz")}
    monkeypatch.setattr(tracker, "_tracked", None)
    assert track_films(options_of(folder, out, speaker="anna")) == records
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.npz")} == before


def test_shards_write_to_one_folder(clips, folder):
    out, _ = clips
    record, clip = out / "films" / "said_1.json", out / "said_1.npz"
    kept = load_clip(clip, *units_and_rest()).motion.coefficients
    record.unlink()
    clip.unlink()
    others = track_films(options_of(folder, out, speaker="anna", shard=(1, 2)))
    assert [one.film for one in others] == ["said_0", "square"] and not clip.exists()
    (mine,) = track_films(options_of(folder, out, speaker="anna", shard=(2, 2)))
    assert mine.film == "said_1"
    again = load_clip(clip, *units_and_rest()).motion.coefficients
    torch.testing.assert_close(again, kept, atol=1e-3, rtol=0)
    assert len(load_clips(out, *units_and_rest())) == 2


def test_lips_are_counted_at_words_that_begin_with_b_p_or_m(tmp_path):
    (tmp_path / "said.align").write_text(
        "0 5000 sil\n5000 9000 bin\n9000 12500 phone\n12500 20000 m\n"
    )
    times = (torch.arange(20) + 0.5) / 25
    shut = np.where((times - 0.2).abs() < 0.05, 0.0, 0.01)
    assert closures(tmp_path, Path("said.mp4"), times.numpy(), shut) == (1, 1)
    assert closures(tmp_path, Path("said.mp4"), times.numpy(), 0 * shut + 0.01) == (1, 0)
    assert closures(tmp_path, Path("other.mp4"), times.numpy(), shut) == (0, 0)
    assert closures(None, Path("said.mp4"), times.numpy(), shut) == (0, 0)


def bad(folder: Path) -> Iterator[tuple[FilmsOptions, str]]:
    out = folder / "none"
    (folder / "empty").mkdir()
    (folder / "words").mkdir()
    (folder / "words" / "said_0.align").write_text("0 now\n")
    (folder / "text.mp4").write_text("no film")
    yield FilmsOptions(films=(folder / "empty",), out=out), "holds no film"
    yield FilmsOptions(films=(folder / "missing.mp4",), out=out), "missing.mp4"
    yield FilmsOptions(films=(folder / "text.mp4",), out=out), "text.mp4"
    twice = (folder / "said_0.mp4", folder / "copy" / "said_0.mp4")
    yield FilmsOptions(films=twice, out=out), "two films are called said_0"
    one = (folder / "said_0.mp4",)
    yield FilmsOptions(films=one, out=out, shard=(3, 2)), "--shard 3 2"
    yield FilmsOptions(films=(folder / "square.mp4",), out=out), "no face was found"
    yield FilmsOptions(films=one, out=out, words=folder / "words"), "said_0.align"


def test_bad_input_is_refused_before_anything_is_written(folder, tmp_path):
    for name in ("said_0.mp4", "square.mp4"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "said_0.mp4").write_bytes((folder / "said_0.mp4").read_bytes())
    for options, words in bad(tmp_path):
        with pytest.raises((InputError, OSError)) as raised:
            track_films(options)
        assert words in str(raised.value)
        assert not options.out.exists()
