"""Sets of speech with emotions: what is written, how it goes on, who reads it, what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from flame_files import write_flame
from support import Outcome, write_wav

from audio2mesh.data.clips import load_clips
from audio2mesh.data.phones import Phone, to_arrays
from avatar.avatar_io.motion_file import motion_chunks, open_motion
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_units
from common.errors import InputError
from research.emotion_set.make import EmotionSetOptions, make_emotions

Run = Callable[..., Outcome]


@pytest.fixture
def data(voice: np.ndarray, tmp_path: Path) -> Path:
    """A recording with motion and phones, and one that is sound alone."""
    folder = tmp_path / "data"
    folder.mkdir()
    write_wav(folder / "moved.wav", voice[:16_000])
    write_wav(folder / "sound.wav", voice[:24_000])
    jaw = np.sin(np.linspace(0, 9, 30))[:, None] ** 2 * 0.3
    arrays = {"fps": 30, "arkit": jaw.astype(np.float32), "arkit_names": np.array(["jawOpen"])}
    phones = to_arrays([Phone("M", 0.1, 0.2)])
    np.savez(folder / "moved.npz", **arrays, **phones)  # pyright: ignore[reportArgumentType]
    return folder


def test_every_recording_with_every_emotion(data: Path, tmp_path: Path):
    out = tmp_path / "set"
    options = EmotionSetOptions((data,), out, ("neutral", "happy", "sad:0.5,fear"), (0.5, 1.0))
    made = make_emotions(options)
    assert len(made) == 2 * (1 + 2 * 2)
    listed = json.loads((out / "labels.json").read_text())
    assert listed[1] == {
        "name": "moved_happy_050",
        "recording": "moved",
        "emotion": "happy",
        "intensity": 0.5,
    }
    head = load_head()
    clips = {clip.name: clip for clip in load_clips(out, face_units(head), head.vertices)}
    assert set(clips) == {each["name"] for each in listed}
    happy = clips["moved_happy_100"]
    assert (happy.style, happy.origin, happy.lag) == ("happy", "modelled", -0.02)
    assert happy.phones[0].label == "M" and len(happy.audio) == 16_000
    assert clips["sound_neutral"].seconds == 1.5 and not clips["sound_neutral"].phones


def test_emotions_grow_and_neutral_is_the_recordings_own(data: Path, tmp_path: Path):
    out = tmp_path / "set"
    make_emotions(EmotionSetOptions((data,), out, ("neutral", "happy"), (0.5, 1.0)))

    def offsets(name: str) -> torch.Tensor:
        return torch.cat(list(motion_chunks(open_motion(out / f"{name}.npz"))))

    neutral = offsets("moved_neutral")
    jaw = load_head().unit("jawOpen").flatten()
    along = neutral.flatten(1) @ jaw / (jaw @ jaw)
    assert torch.allclose(neutral, (along[:, None] * jaw).unflatten(1, (-1, 3)), atol=1e-6)
    assert along.max() == pytest.approx(0.3, abs=0.02)
    half, full = ((offsets(f"moved_happy_{at}") - neutral).norm() for at in ("050", "100"))
    assert 0.3 * full < half < 0.7 * full


def test_what_is_there_is_left_and_what_lacks_is_written(data: Path, tmp_path: Path):
    out = tmp_path / "set"
    options = EmotionSetOptions((data,), out, ("happy",), (0.5, 1.0))
    make_emotions(options)
    gone, kept = out / "moved_happy_100.npz", out / "moved_happy_050.npz"
    before, written = np.load(gone)["offsets"], kept.stat().st_mtime_ns
    gone.unlink()
    make_emotions(options)
    assert np.array_equal(np.load(gone)["offsets"], before)
    assert kept.stat().st_mtime_ns == written
    with pytest.raises(InputError, match="other options"):
        make_emotions(EmotionSetOptions((data,), out, ("sad",)))


def test_a_head_of_flames_topology(data: Path, tmp_path: Path):
    out, flame = tmp_path / "set", write_flame(tmp_path)
    make_emotions(EmotionSetOptions((data,), out, ("surprise",), (1.0,), flame=flame))
    motion = open_motion(out / "moved_surprise_100.npz")
    assert (motion.topology, len(motion.mesh.vertices)) == ("flame", 5023)
    assert max(float(chunk.norm(dim=2).max()) for chunk in motion_chunks(motion)) > 5e-3


def test_what_is_refused(run_script: Run, data: Path, tmp_path: Path):
    given = ("--data", data, "--out", tmp_path / "set")
    for wrong, said in (
        (("--emotions", "merry"), "'merry' is no emotion"),
        (("--emotions", "happy", "happy"), "named twice"),
        (("--intensities", "0"), "--intensities 0"),
        (("--mesh", "a.obj", "--avatar", "b.ply"), "either --mesh or --avatar"),
        (("--mesh", "a.obj", "--flame", "f.pkl"), "--flame: what moves needs none"),
        (("--data", tmp_path / "gone"), "no such folder"),
        (("--out", tmp_path / "no" / "set"), "does not exist"),
    ):
        refused = run_script("make_emotions", *given, *wrong)
        assert refused.status == 2, wrong
        assert said in refused.stderr and "Traceback" not in refused.stderr
        assert not (tmp_path / "set").exists()
