"""Films of an avatar that listens, and of one that listens and speaks in turn."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import write_wav

from audio2mesh import SpeechToMotion, load_audio, load_model
from avatar.drive.motion import DrivenMotion
from avatar.drive.options import DriveOptions
from avatar.drive.performance import perform
from avatar.drive.plans import plan_drive
from avatar.geometry.vectors import Ints
from avatar.heads import load_head
from avatar.retarget.fitted_face import shipped_face
from avatar.video.sound import Sound, mixed_reader
from common.assets import DEMO_AVATAR, DEMO_VOICE
from common.errors import InputError

HEAD = load_head()


@pytest.fixture(scope="module")
def model() -> SpeechToMotion:
    return load_model(None)


@pytest.fixture
def said(voice: np.ndarray, tmp_path: Path) -> Path:
    """Three seconds of speech after three of silence."""
    return write_wav(tmp_path / "said.wav", np.append(np.zeros(48_000), voice[:48_000]))


@pytest.fixture
def heard(voice: np.ndarray, tmp_path: Path) -> Path:
    """Three seconds of speech, then silence, eight in all."""
    return write_wav(tmp_path / "heard.wav", np.append(voice[:48_000], np.zeros(80_000)))


def moved(model: SpeechToMotion, **given: Any) -> tuple[torch.Tensor, torch.Tensor, DrivenMotion]:
    """Coefficients of the mouth and of the rest, each [F, n]."""
    plan = plan_drive(DriveOptions(avatar=DEMO_AVATAR, **given), film=False)
    motion = perform(shipped_face(), model, plan.direction)
    assert motion.curves is not None
    columns = torch.cat([*motion.curves.coefficients()])
    count = sum(name.startswith("speech_") for name in motion.curves.names)
    return columns[:, :count], columns[:, count:], motion


def test_who_only_listens_moves_no_lip(model: SpeechToMotion, heard: Path):
    mouth, rest, motion = moved(model, listen=heard)
    assert len(mouth) == 200 and not mouth.any() and rest[:75].std(0).max() > 0.05
    assert motion.head_pose.std(0).max() > 1e-3
    gap = lip_gaps(motion)
    assert np.ptp(gap) < 5e-4  # metres, of a smile


def lip_gaps(motion: DrivenMotion) -> np.ndarray:
    """[F] metres between the middles of the lips."""
    upper, lower = (_middle(f"lip_inner_{side}") for side in ("upper", "lower"))
    offsets = torch.cat([*motion.offsets()])
    return (offsets[:, upper] - offsets[:, lower]).norm(dim=1).numpy()


def _middle(region: str) -> int:
    vertices: Ints = np.asarray(HEAD.regions[region])
    return int(vertices[len(vertices) // 2])


def test_its_own_voice_moves_the_lips_as_without_the_other(
    model: SpeechToMotion, said: Path, heard: Path
):
    alone, usual, _ = moved(model, audio=said)
    mouth, rest, _ = moved(model, audio=said, listen=heard)
    assert (len(alone), len(mouth)) == (150, 200)
    assert torch.equal(alone, mouth[:150])
    assert not mouth[155:].any() and mouth[150:154].diff(dim=0).abs().max() < 1
    assert not torch.equal(usual[:75], rest[:75, : usual.shape[1]])


def test_both_are_heard(said: Path, heard: Path):
    rate, paths = 48_000, (said, heard)
    film = mixed_reader(Sound(said, beside=heard), rate)(8 * rate)
    apart = [np.resize(load_audio(path, rate), 8 * rate) for path in paths]
    apart[0][6 * rate :] = 0
    assert np.abs(film[:, 0] - sum(apart)).max() < 1e-4 < 0.1 < np.abs(film).max()
    plan = plan_drive(DriveOptions(avatar=DEMO_AVATAR, listen=heard), film=False)
    assert plan.sound == Sound(heard)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"still": True}, "--still"),
        ({"film": DEMO_VOICE}, "--film"),
        ({"arkit": DEMO_VOICE}, "--arkit"),
        ({"head_weights": DEMO_VOICE}, "--head-weights"),
    ],
)
def test_what_moves_the_head_otherwise_is_refused(heard: Path, given: dict[str, Any], named: str):
    with pytest.raises(InputError, match=f"--listen and {named}: both say how the head moves"):
        plan_drive(DriveOptions(avatar=DEMO_AVATAR, listen=heard, **given))


def test_what_is_no_sound_is_refused(tmp_path: Path):
    nothing = tmp_path / "other.wav"
    nothing.write_text("no sound")
    with pytest.raises(InputError, match=r"other\.wav"):
        plan_drive(DriveOptions(avatar=DEMO_AVATAR, listen=nothing))
    with pytest.raises(FileNotFoundError, match="missing"):
        plan_drive(DriveOptions(avatar=DEMO_AVATAR, listen=tmp_path / "missing.wav"))
