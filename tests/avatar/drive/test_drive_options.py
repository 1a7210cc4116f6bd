"""What a drive may write, beside what it reads."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from avatar.drive.options import DriveOptions
from avatar.drive.plans import plan_drive
from common.errors import InputError


@pytest.fixture
def options(avatar_file: Path, voice_file: Path) -> DriveOptions:
    return DriveOptions(avatar=avatar_file, audio=voice_file)


@pytest.mark.parametrize("camera", ["front", "orbit"])
def test_a_folder_of_frames_may_be_called_like_a_camera(
    options: DriveOptions, camera: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    plan_drive(replace(options, camera=camera, out=Path(camera)))


def test_a_camera_path_is_not_written_over(options: DriveOptions, tmp_path: Path):
    path = tmp_path / "path.mp4"
    path.write_text('{"keyframes": []}')
    with pytest.raises(InputError, match="named twice"):
        plan_drive(replace(options, camera=str(path), out=path))


def test_saved_motion_is_named_as_what_it_is(options: DriveOptions, tmp_path: Path):
    saved = replace(options, save_motion=tmp_path / "motion.txt")
    with pytest.raises(InputError, match=r"motion.txt: --save-motion writes .npz; name it so"):
        plan_drive(saved)
    plan_drive(replace(options, save_motion=tmp_path / "a.NPZ"))


def test_a_flame_file_that_nothing_needs_is_refused(options: DriveOptions, tmp_path: Path):
    given = replace(options, flame=options.audio)
    with pytest.raises(InputError, match=r"--flame: .*subject.ply needs none; leave it out"):
        plan_drive(given)
    plan_drive(replace(given, weights=options.audio))


def test_files_that_options_name_are_read_once(options: DriveOptions, tmp_path: Path):
    """A plan needs them no more."""
    emotions, camera = tmp_path / "felt.txt", tmp_path / "path.json"
    emotions.write_text("0-1 happy 0.8")
    angles = {"azimuth": 0, "elevation": 0, "distance": 1, "target": [0, 0, 0], "fov_y": 20}
    camera.write_text(json.dumps({"keyframes": [{"time": 0, **angles}]}))
    options = replace(options, emotion=str(emotions), camera=str(camera), gaze="10,-5")
    plan = plan_drive(options, film=False)
    emotions.unlink()
    camera.unlink()
    assert plan.direction.emotions and plan.direction.behaviour is not None
    assert (plan.direction.behaviour.gaze.x, plan.direction.behaviour.gaze.y) == (10, -5)
    (only,) = plan.track((torch.zeros(3), 1.0), 1, 25.0)
    assert (only.width, only.height) == (options.width, options.height)
