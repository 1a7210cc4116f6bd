"""What a drive may write, beside what it reads."""

from dataclasses import replace
from pathlib import Path

import pytest

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
