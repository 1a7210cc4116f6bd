"""What the page is told to play, and what viewing refuses, in one sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from support import Outcome, write_wav

from avatar.avatar_io.live_link import write_take
from avatar.drive.drive import drive
from avatar.drive.motion import DrivenMotion
from avatar.drive.options import DriveOptions, ViewOptions
from avatar.drive.view import motion_on_page, plan_view
from avatar.heads.arkit import WEIGHTS
from avatar.rigging.avatar import Avatar
from avatar.video.sound import loudness, sound_file

Run = Callable[..., Outcome]


@pytest.fixture
def folder(voice: np.ndarray, avatar_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = avatar_file.parent
    write_wav(folder / "voice.wav", voice[:16_000])
    weights = np.zeros((30, 52))
    weights[:, WEIGHTS.index("jawOpen")] = np.linspace(0, 1, 30)
    write_take(folder / "take.csv", weights, np.zeros((30, 3)), 25.0)
    monkeypatch.chdir(folder)
    return folder


def test_the_command_writes_a_page(run_script: Run, folder: Path):
    outcome = run_script("view", "subject.ply", "voice.wav", "--export", "page.html")
    assert outcome.status == 0 and "wrote page.html: " in outcome.stdout, outcome
    page = (folder / "page.html").read_text()
    assert page.startswith("<!doctype html>") and '"frames": 25' in page
    assert not list(folder.glob(".*partial*"))


def test_a_take_moves_and_the_voice_is_only_heard(run_script: Run, folder: Path):
    words = ("--arkit", "take.csv", "--export", "page.html")
    assert run_script("view", "subject.ply", "voice.wav", *words).status == 0
    page = (folder / "page.html").read_text()
    assert '"frames": 30' in page and '"sound": ' in page


@pytest.mark.parametrize(
    "asked",
    [{}, {"still": True}, {"take": 1, "style": "lively", "gaze": "10,-5", "emotion": "sad"}],
)
def test_what_is_asked_of_behaviour_is_done_as_in_a_film(
    small_avatar: Avatar, folder: Path, asked: dict[str, Any]
):
    def motion(**options: Any) -> DrivenMotion:
        plan = plan_view(ViewOptions(folder / "subject.ply", **options))
        found = motion_on_page(plan, small_avatar)
        assert found is not None
        return found

    avatar, voice = folder / "subject.ply", folder / "voice.wav"
    film = {"out": Path("a.mp4"), "width": 16, "height": 16, "save_motion": Path("motion.npz")}
    drive(DriveOptions(avatar, audio=voice, **film, **asked))
    found, meant = motion(audio=voice, **asked), motion(motion=Path("motion.npz"))
    assert torch.allclose(found.head_pose, meant.head_pose, atol=1e-6)
    assert torch.equal(found.head_pose, torch.eye(4).expand(25, 4, 4)) == ("still" in asked)
    meshes = zip(found.meshes(), meant.meshes(), strict=True)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in meshes)
    usual = zip(found.meshes(), motion(audio=voice).meshes(), strict=True)
    assert all(torch.equal(a, b) for a, b in usual) == (not asked)


def test_saved_motion_moves_as_it_did(small_avatar: Avatar, folder: Path):
    avatar = folder / "subject.ply"
    saved = DriveOptions(avatar, arkit=Path("take.csv"), save_motion=Path("motion.npz"))
    drive(DriveOptions(**{**vars(saved), "out": Path("a.mp4"), "width": 16, "height": 16}))
    found = motion_on_page(plan_view(ViewOptions(avatar, motion=Path("motion.npz"))), small_avatar)
    meant = motion_on_page(plan_view(ViewOptions(avatar, arkit=Path("take.csv"))), small_avatar)
    assert found is not None and meant is not None
    for a, b in zip(found.meshes(), meant.meshes(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_the_sound_is_the_recording(folder: Path, voice: np.ndarray, tmp_path: Path):
    (tmp_path / "sound.mp4").write_bytes(sound_file(folder / "voice.wav", 1.5))
    with av.open(tmp_path / "sound.mp4") as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    heard = np.concatenate(frames, axis=1)[0][::3]  # 48 to 16 kHz, coarsely
    assert abs(len(heard) / 16_000 - 1.5) < 0.05
    best = np.correlate(heard[:16_000], voice[2_000:14_000], "valid")
    assert abs(int(best.argmax()) - 2_000) < 80  # 5 ms
    assert np.abs(heard[17_000:23_000]).max() < 1e-3


def test_loudness_follows_the_sound(tmp_path: Path):
    tone = np.sin(np.arange(16_000) * 0.3) * np.repeat([0.0, 1.0, 0.5, 0.0], 4_000)
    bars = loudness(write_wav(tmp_path / "tone.wav", tone), 8)
    assert np.allclose(bars, [0, 0, 1, 1, 0.5, 0.5, 0, 0], atol=0.05)


AVATAR, EXPORT = ("--avatar", "subject.ply"), ("--export", "page.html")
REFUSED = [
    (("--avatar", "gone.ply", *EXPORT), ("gone.ply", "no such file")),
    (("--avatar", "take.csv", *EXPORT), ("take.csv", "no avatar")),
    ((*AVATAR, "--audio", "take.csv", *EXPORT), ("take.csv",)),
    ((*AVATAR, "--export", "page.txt"), ("page.txt", ".html")),
    ((*AVATAR, "--export", "no/page.html"), ("page.html", "does not exist")),
    ((*AVATAR, "--arkit", "take.csv", "--motion", "voice.wav", *EXPORT), ("leave one out",)),
    ((*AVATAR, "--motion", "voice.wav", *EXPORT), ("voice.wav", "no motion file")),
    ((*AVATAR, "--port", "70000"), ("--port 70000",)),
    ((*AVATAR, "--port", "80", *EXPORT), ("--port", "--export")),
    ((*AVATAR, "--no-browser", *EXPORT), ("--no-browser", "--export")),
    ((*AVATAR, "--still", *EXPORT), ("--still", "--audio or --arkit")),
    ((*AVATAR, "--gaze", "camera", *EXPORT), ("--gaze", "a voice")),
    ((*AVATAR, "--arkit", "take.csv", "--weights-style", "x", *EXPORT), ("--weights-style",)),
    ((*AVATAR, "--emotion", "happy", *EXPORT), ("--emotion",)),
    ((*AVATAR, "--audio", "voice.wav", "--take", "-1", *EXPORT), ("--take -1",)),
    ((*AVATAR, "--audio", "voice.wav", "--fps", "0", *EXPORT), ("fps 0",)),
    ((*AVATAR, "--flame", "voice.wav", *EXPORT), ("--flame", "needs none")),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED)
def test_what_cannot_be_shown_is_refused(
    run_script: Run, folder: Path, arguments: tuple[str, ...], said: tuple[str, ...]
):
    before = sorted(folder.rglob("*"))
    outcome = run_script("view", *arguments)
    assert outcome.status == 2, outcome
    sentence = outcome.stderr.strip().splitlines()[-1]
    assert sentence.startswith("error: ") and "Traceback" not in outcome.stderr
    assert all(words in sentence for words in said), sentence
    assert sorted(folder.rglob("*")) == before
