"""What a drive may write, beside what it reads."""

from dataclasses import replace
from pathlib import Path

import pytest

from avatar.drive.options import DriveOptions, check_options
from common.errors import InputError


@pytest.fixture
def options(avatar_file: Path, voice_file: Path) -> DriveOptions:
    return DriveOptions(avatar=avatar_file, audio=voice_file)


@pytest.mark.parametrize("camera", ["front", "orbit"])
def test_a_folder_of_frames_may_be_called_like_a_camera(
    options: DriveOptions, camera: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    check_options(replace(options, camera=camera), Path(camera))


def test_a_camera_path_is_not_written_over(options: DriveOptions, tmp_path: Path):
    path = tmp_path / "path.mp4"
    path.write_text('{"keyframes": []}')
    with pytest.raises(InputError, match="named twice"):
        check_options(replace(options, camera=str(path)), path)


def test_saved_motion_is_named_as_what_it_is(options: DriveOptions, tmp_path: Path):
    saved = replace(options, save_motion=tmp_path / "motion.txt")
    with pytest.raises(InputError, match=r"motion.txt: --save-motion writes .npz; name it so"):
        check_options(saved, tmp_path / "film.mp4")
    check_options(replace(options, save_motion=tmp_path / "a.NPZ"), tmp_path / "film.mp4")


def test_a_flame_file_that_nothing_needs_is_refused(options: DriveOptions, tmp_path: Path):
    given = replace(options, flame=options.audio)
    with pytest.raises(InputError, match=r"--flame: .*subject.ply needs none; leave it out"):
        check_options(given, tmp_path / "film.mp4")
    check_options(replace(given, weights=options.audio), tmp_path / "film.mp4")
