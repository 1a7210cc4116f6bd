"""A film moves an avatar: all of the face, or what a voice does not move."""

from pathlib import Path

import numpy as np
import pytest
import torch
from films import write_film

from audio2mesh import load_model
from avatar.avatar_io.live_link import Take
from avatar.avatar_io.motion_file import motion_chunks, open_motion
from avatar.drive.direction import Direction
from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from avatar.drive.performance import perform
from avatar.heads.arkit import WEIGHTS
from avatar.retarget.fitted_face import shipped_face
from avatar.tracking import track as perform_room
from avatar.tracking.result import TrackedSound
from avatar.tracking.track import Performance
from avatar.video.sound import Sound
from common.assets import DEMO_AVATAR, DEMO_VOICE
from common.errors import InputError

FRAMES = 40


def take(**weights: float) -> Take:
    """One second and a half of a face that holds some weights and turns its head."""
    rows = np.zeros((FRAMES, len(WEIGHTS)))
    for name, weight in weights.items():
        rows[:, WEIGHTS.index(name)] = weight
    head = np.stack([np.linspace(0, 0.3, FRAMES), np.zeros(FRAMES), np.zeros(FRAMES)], 1)
    return Take(np.arange(FRAMES) / 25, rows, head)


def test_a_voice_moves_the_lips_and_the_film_the_rest():
    """Of a take that smiles and raises its brows, a voice takes the brows and the head alone."""
    face, model = shipped_face(), load_model()
    alone = perform(face, model, Direction(DEMO_VOICE, behaviour=None))
    told, beside = Direction(DEMO_VOICE), take(browInnerUp=0.8, mouthSmileLeft=0.9)
    both = perform(face, model, told, beside)
    brow = face.head.unit("browInnerUp")
    for plain, moved in zip(alone.offsets(), both.offsets(), strict=True):
        torch.testing.assert_close(moved, plain + 0.8 * brow, atol=1e-6, rtol=0)
    assert both.frames > FRAMES
    assert torch.equal(both.head_pose[FRAMES - 1], both.head_pose[-1])  # the film's last frame


def test_a_film_alone_moves_all_of_the_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    film = write_film(tmp_path / "actor.mp4", FRAMES, audio=DEMO_VOICE)
    performed = take(mouthSmileLeft=0.9)
    performance = Performance(performed, TrackedSound(Sound(film), "sound in step"))
    monkeypatch.setattr(perform_room, "performance_of", lambda *given: performance)
    saved = tmp_path / "motion.npz"
    options = DriveOptions(DEMO_AVATAR, film=film, width=64, height=64, save_motion=saved)
    report = drive(options)
    assert report.frames == FRAMES
    assert report.audio_seconds == pytest.approx(FRAMES / 25, abs=0.1)
    assert report.output == str(tmp_path / "actor_demo_avatar.mp4")
    offsets = next(motion_chunks(open_motion(saved)))[0]
    smile = shipped_face().head.unit("mouthSmileLeft")
    assert float(offsets.norm(dim=1).max()) > 0.5 * float(smile.norm(dim=1).max())


def test_two_movers_are_refused(tmp_path: Path):
    film = write_film(tmp_path / "actor.mp4", 3)
    csv = tmp_path / "take.csv"
    csv.touch()
    with pytest.raises(InputError, match="--arkit and --film"):
        drive(DriveOptions(DEMO_AVATAR, film=film, arkit=csv))


def test_sync_is_for_the_sound_of_a_film_and_within_reason(tmp_path: Path):
    film = write_film(tmp_path / "actor.mp4", 3)
    with pytest.raises(InputError, match="--sync: moves the sound of --film alone"):
        drive(DriveOptions(DEMO_AVATAR, audio=DEMO_VOICE, sync=200.0))
    with pytest.raises(InputError, match="--sync 1e\\+06: must be auto or up to 10000 ms"):
        drive(DriveOptions(DEMO_AVATAR, film=film, sync=1e6))


def test_weights_of_a_voice_need_a_voice(tmp_path: Path):
    film = write_film(tmp_path / "actor.mp4", 3)
    with pytest.raises(InputError, match="where --film moves the lips"):
        drive(DriveOptions(DEMO_AVATAR, film=film, weights=film))


def test_a_film_without_a_face_is_told_in_a_sentence(tmp_path: Path):
    film = write_film(tmp_path / "squares.mp4", 12)
    with pytest.raises(InputError, match=r"squares\.mp4: no face was found in it"):
        drive(DriveOptions(DEMO_AVATAR, film=film, width=64, height=64))
    assert not (tmp_path / "squares_demo_avatar.mp4").exists()
