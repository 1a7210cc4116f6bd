"""The whole path, from a recording to a video, at the size of a stamp."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from support import Outcome, write_wav

from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from avatar.heads import load_head
from avatar.rigging.avatar import pose

Drive = Callable[..., Path]
RATE = 16_000


@pytest.fixture
def video(avatar_file: Path, voice_file: Path, tmp_path: Path) -> Drive:
    """Drive the small avatar; options as keywords. Returns what was written."""

    base = DriveOptions(avatar_file, voice_file, tmp_path / "video.mp4", width=96, height=64)

    def make(**changes: Any) -> Path:
        return Path(drive(replace(base, **changes)).output)

    return make


def pictures(path: Path) -> np.ndarray:
    """All frames [F, H, W, 3] of a video as float32 in [0, 1]."""
    with av.open(str(path.absolute())) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    return np.stack(frames).astype(np.float32) / 255


def seconds(path: Path) -> tuple[float, float]:
    """Durations of picture and sound by their packets' clocks."""
    found = []
    for kind in ("video", "audio"):
        with av.open(str(path)) as container:
            stream = container.streams.get({kind: 0})[0]
            assert stream.time_base is not None
            ends = [
                float((p.pts + p.duration) * stream.time_base)
                for p in container.demux(stream)
                if p.pts is not None and p.duration
            ]
            found.append(max(ends))
    return found[0], found[1]


def motion(video: Drive, tmp_path: Path, **changes: Any) -> dict[str, np.ndarray]:
    path = tmp_path / "motion.npz"
    video(save_motion=path, width=16, height=16, **changes)
    with np.load(path) as data:
        return {name: data[name] for name in data.files}


def lip_gap(saved: dict[str, np.ndarray]) -> np.ndarray:
    posed = saved["rest"] + saved["offsets"]
    upper, lower = saved["region_lip_inner_upper"], saved["region_lip_inner_lower"]
    return np.linalg.norm(posed[:, upper] - posed[:, lower], axis=-1).mean(1)


@pytest.mark.parametrize("length", [15_000, 16_000, 16_333])
def test_picture_and_sound_are_as_long_as_the_recording(
    video: Drive, voice: np.ndarray, tmp_path: Path, length: int
):
    path = video(audio=write_wav(tmp_path / "clip.wav", voice[:length]))
    picture, sound = seconds(path)
    assert abs(picture - length / RATE) <= 1 / 25 + 1e-6
    assert abs(sound - length / RATE) <= 1 / 25 + 1e-6
    assert pictures(path).shape[1:] == (64, 96, 3)


@pytest.mark.parametrize(
    ("rate", "length", "fps"), [(32_000, 3201, 2.5), (96_000, 9605, 25.0), (8_000, 1, 25.0)]
)
def test_awkward_rates_and_lengths(
    video: Drive, voice: np.ndarray, tmp_path: Path, rate: int, length: int, fps: float
):
    audio = write_wav(tmp_path / "odd.wav", voice[:length], rate)
    frames = pictures(video(audio=audio, fps=fps))
    assert len(frames) == max(1, round(length / rate * fps))


def test_a_broadcast_rate_is_meant_exactly(video: Drive, voice: np.ndarray, tmp_path: Path):
    samples = 200_513  # of 300.47 frames, and of 300.52 at 23.98 frames per second
    audio = write_wav(tmp_path / "long.wav", np.resize(voice, samples))
    saved = motion(video, tmp_path, audio=audio, fps=23.98)
    assert float(saved["fps"]) == pytest.approx(24_000 / 1001)
    assert len(saved["offsets"]) == round(samples / RATE * 24_000 / 1001) == 300


@pytest.mark.parametrize("name", ["take:2.mp4", "my film v1.2.mp4"])
def test_names_are_taken_as_they_are(video: Drive, tmp_path: Path, monkeypatch, name: str):
    monkeypatch.chdir(tmp_path)
    assert video(out=Path(name)) == Path(name)
    assert len(pictures(tmp_path / name)) == 25


def test_the_head_stands_before_the_background(video: Drive):
    frames = pictures(video(background="#00b140"))
    corner, middle = frames[:, :4, :4].mean((0, 1, 2)), frames[:, 28:36, 44:52].mean((0, 1, 2))
    assert np.abs(corner - [0, 0xB1 / 255, 0x40 / 255]).max() < 0.03
    assert middle[0] > middle[1] > middle[2]


def test_the_mouth_moves_with_the_voice_and_rests_in_silence(
    video: Drive, voice: np.ndarray, tmp_path: Path
):
    spoken = lip_gap(motion(video, tmp_path, audio=write_wav(tmp_path / "a.wav", voice[:64_000])))
    silence = write_wav(tmp_path / "silence.wav", np.zeros(64_000))
    silent = lip_gap(motion(video, tmp_path, audio=silence))
    assert spoken.max() > 0.004
    assert spoken.std() > 0.001
    assert silent.max() < 0.0015


def test_a_silent_face_blinks(video: Drive, tmp_path: Path):
    silence = write_wav(tmp_path / "silence.wav", np.zeros(8 * RATE))
    saved = motion(video, tmp_path, audio=silence, fps=12.5)
    lids = np.linalg.norm(saved["offsets"][:, saved["region_eyelids"]], axis=-1).max(1)
    assert lids.max() > 0.008
    assert np.median(lids) < 0.002


def test_still_leaves_only_speech(video: Drive, tmp_path: Path):
    still, alive = (motion(video, tmp_path, still=flag) for flag in (True, False))
    assert np.array_equal(still["head_pose"], np.tile(np.eye(4), (len(still["offsets"]), 1, 1)))
    assert not np.array_equal(alive["head_pose"], still["head_pose"])
    brows = load_head().unit("browInnerUp").norm(dim=1).numpy() > 3e-3
    assert np.abs(still["offsets"][:, brows]).max() < 5e-4


def test_saved_motion_is_complete(video: Drive, tmp_path: Path):
    saved, head = motion(video, tmp_path), load_head()
    assert saved["offsets"].shape == (25, 5000, 3)
    assert saved["offsets"].dtype == np.float32
    assert saved["head_pose"].shape == (25, 4, 4)
    assert str(saved["topology"]) == "anny-head"
    assert float(saved["fps"]) == 25
    assert np.array_equal(saved["rest"], head.vertices.numpy())
    assert np.array_equal(saved["faces"], head.faces.numpy())
    assert {f"region_{name}" for name in head.regions} <= set(saved)


def test_the_take_decides_the_life(video: Drive, tmp_path: Path):
    first, again, other = (motion(video, tmp_path, take=take)["head_pose"] for take in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_fps_changes_the_frames_and_not_the_length(video: Drive, tmp_path: Path):
    slow, fast = (motion(video, tmp_path, fps=fps, still=True) for fps in (25.0, 50.0))
    assert (len(slow["offsets"]), len(fast["offsets"])) == (25, 50)
    assert np.corrcoef(lip_gap(slow), lip_gap(fast)[::2])[0, 1] > 0.97


def test_the_orbit_shows_both_sides(video: Drive, voice: np.ndarray, tmp_path: Path):
    audio = write_wav(tmp_path / "long.wav", voice[: 8 * RATE])
    frames = pictures(video(audio=audio, camera="orbit", still=True, fps=5.0))
    left, right = frames[10], frames[30]  # a quarter and three quarters of the swing
    assert np.abs(left - right[:, ::-1]).mean() < 0.5 * np.abs(left - right).mean()


def test_azimuth_turns_to_the_subjects_left(video: Drive):
    turned = pictures(video(azimuth=60.0, still=True))
    back = pictures(video(azimuth=-60.0, still=True))
    assert np.abs(turned - back[:, :, ::-1]).mean() < 0.5 * np.abs(turned - back).mean()


def test_a_folder_holds_every_frame(video: Drive, tmp_path: Path):
    folder = video(out=tmp_path / "frames")
    assert len(list(folder.glob("*.png"))) == 25


def test_other_kinds_of_video(video: Drive, tmp_path: Path):
    frames = pictures(video(out=tmp_path / "video.webm"))
    assert frames.shape == (25, 64, 96, 3)


def test_without_an_output_the_video_goes_beside_the_audio(video: Drive, tmp_path: Path):
    assert video(out=None) == tmp_path / "voice_subject.mp4"
    assert (tmp_path / "voice_subject.mp4").is_file()


def test_the_command_writes_video_and_report(
    run_drive: Callable[..., Outcome], avatar_file: Path, voice_file: Path, tmp_path: Path
):
    given = ("--avatar", avatar_file, "--audio", voice_file, "--width", 64, "--height", 64)
    video, report = tmp_path / "v.mp4", tmp_path / "report.json"
    outcome = run_drive(*given, "--out", video, "--report", report)
    assert outcome.status == 0
    assert str(video) in outcome.stdout.strip().splitlines()[-1]
    assert video.is_file()
    saved = json.loads((tmp_path / "report.json").read_text())
    assert saved["frames"] == 25
    assert saved["audio_seconds"] == pytest.approx(1.0)
    assert saved["backend"] in ("cpu", "gsplat")
    assert set(saved["stages"]) == {"load", "audio2mesh", "rig", "raster", "encode"}
    assert max(saved["stages"].values()) <= 2 * saved["wall_seconds"]  # two frames at once
    assert saved["peak_rss_mb"] > 50
    assert saved["cpu_seconds"] > 0


def test_the_number_of_threads_is_the_users(video: Drive):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        video(threads=1, width=16, height=16)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_the_pose_turns_the_face_and_spares_the_collar():
    head = load_head()
    turn = torch.eye(4)
    turn[:3, :3] = torch.tensor([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    posed = pose(head.vertices, head, turn)
    free, fixed = head.pose_weights == 1, head.pose_weights == 0
    assert torch.allclose(posed[free], head.vertices[free] @ turn[:3, :3].T, atol=1e-6)
    assert torch.equal(posed[fixed], head.vertices[fixed])


@pytest.mark.gpu
def test_cuda_draws_what_the_cpu_draws(
    video: Drive, cuda: torch.device, voice: np.ndarray, tmp_path: Path
):
    audio = write_wav(tmp_path / "clip.wav", voice[:4000])
    on_cpu, on_cuda = (
        pictures(video(audio=audio, out=tmp_path / f"{device}.mp4", device=device))
        for device in ("cpu", cuda.type)
    )
    assert np.abs(on_cpu - on_cuda).mean() < 1e-3
