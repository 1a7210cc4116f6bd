"""Options that cannot be met are told in one sentence."""

import errno
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support import Outcome

Run = Callable[..., Outcome]


@pytest.mark.parametrize("name", ["width", "height"])
@pytest.mark.parametrize("pixels", [0, -2, 63, 100_000])
def test_sizes_that_cannot_be(refuses, name: str, pixels: int):
    refuses(name, str(pixels), **{name: pixels})


@pytest.mark.parametrize("fps", ["0", "-25", "nan", "inf", "0.0001", "100000"])
def test_frame_rates_that_cannot_be(refuses, fps: str):
    refuses("fps", fps=fps)


@pytest.mark.parametrize("elevation", ["120", "nan"])
def test_an_elevation_over_the_top(refuses, elevation: str):
    refuses("--elevation", elevation=elevation)


@pytest.mark.parametrize("azimuth", ["nan", "inf"])
def test_an_azimuth_that_is_no_angle(refuses, azimuth: str):
    refuses("--azimuth", azimuth=azimuth)


@pytest.mark.parametrize("name", ["azimuth", "elevation"])
def test_an_angle_beside_a_camera_path(refuses, name: str, tmp_path: Path):
    path = tmp_path / "path.json"
    ends = [{"time": t, "eye": [0, 0, 1], "target": [0, 0, 0], "fov_y": 20} for t in (0, 1)]
    path.write_text(json.dumps({"keyframes": ends}))
    refuses(f"--{name}", "path.json", camera=path, **{name: 10})


def test_a_negative_seed(refuses):
    refuses("--take", take=-1)


def test_no_threads(refuses):
    refuses("--threads", threads=0)


def test_a_colour_that_is_none(refuses):
    refuses("mauve-ish", background="mauve-ish")


def test_a_camera_path_that_is_not_there(refuses, tmp_path: Path):
    refuses("gone.json", camera=tmp_path / "gone.json")


def test_an_unknown_camera(refuses):
    refuses("--camera side", "front, orbit", camera="side")


def test_a_camera_path_that_ends_straight_overhead(refuses, tmp_path: Path):
    path = tmp_path / "path.json"
    key = {"target": [0, 0, 0], "fov_y": 20}
    keys = [key | {"time": 0, "eye": [0, 0, 1]}, key | {"time": 0.5, "eye": [0, 1, 0]}]
    path.write_text(json.dumps({"keyframes": keys}))
    refuses("path.json", "0.5", camera=path)


@pytest.mark.parametrize("option", ["save_motion", "report"])
def test_outputs_that_would_overwrite_something(
    refuses, avatar_file: Path, voice_file: Path, tmp_path: Path, option: str
):
    for path in (avatar_file, voice_file, tmp_path / "out" / "video.mp4"):
        refuses(path.name, "twice" if option == "report" else ".npz", **{option: path})
    refuses(str(tmp_path), "folder" if option == "report" else ".npz", **{option: tmp_path})


def test_an_output_that_would_overwrite_the_recording(refuses, voice_file: Path, tmp_path: Path):
    film = tmp_path / "film.mp4"
    film.write_bytes(voice_file.read_bytes())
    refuses("film.mp4", audio=film, out=film)


def test_an_output_folder_that_is_not_there(refuses, tmp_path: Path):
    refuses("nowhere", out=tmp_path / "nowhere" / "video.mp4")
    refuses("nowhere", save_motion=tmp_path / "nowhere" / "motion.npz")
    refuses("nowhere", report=tmp_path / "nowhere" / "report.json")


def test_an_output_folder_that_cannot_be_written(refuses, monkeypatch, tmp_path: Path):
    def no_entry(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_entry)
    refuses("video.mp4", "cannot be written")


def test_an_output_of_unknown_kind(refuses, tmp_path: Path):
    refuses(".avi", out=tmp_path / "out" / "video.avi")


def test_an_unknown_device(run_drive: Run, avatar_file: Path, voice_file: Path):
    outcome = run_drive("--avatar", avatar_file, "--audio", voice_file, "--device", "abacus")
    assert outcome.status == 2
    assert "abacus" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_where_there_is_none(refuses):
    refuses("CUDA", device="cuda")
