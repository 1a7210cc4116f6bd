"""Camera paths from keyframes."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from common.errors import InputError
from splat import orbit, read_camera_path

FIRST = {"time": 1, "azimuth": -40, "elevation": 0, "distance": 1, "target": [0, 0, 0], "fov_y": 20}
SECOND = FIRST | {"time": 3, "azimuth": 40, "distance": 0.5, "target": [0, 0.1, 0]}
PLACE = {"time": 0, "eye": [0, 0, 1], "target": [0, 0, 0], "fov_y": 30}


def write(path: Path, keyframes: Any) -> Path:
    path.write_text(json.dumps({"keyframes": keyframes}))
    return path


def test_path_goes_through_its_keyframes_and_rests_outside(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", [FIRST, SECOND])
    cameras = list(read_camera_path(path).cameras(50, 10, 64, 48))
    assert len(cameras) == 50 and (cameras[0].width, cameras[0].height) == (64, 48)
    start = orbit(torch.zeros(3), 1.0, -40, 0, 20, 64, 48).viewmat
    end = orbit(torch.tensor([0, 0.1, 0]), 0.5, 40, 0, 20, 64, 48).viewmat
    for frame, expected in ((0, start), (10, start), (30, end), (49, end)):
        torch.testing.assert_close(cameras[frame].viewmat, expected)


def test_path_is_smooth(tmp_path: Path) -> None:
    """Eyes move by small steps whose change is small too, keyframes included."""
    third = SECOND | {"time": 4, "azimuth": 60}
    path = write(tmp_path / "a.json", [FIRST, SECOND, third])
    cameras = read_camera_path(path).cameras(500, 100, 8, 8)
    eyes = torch.stack([torch.linalg.inv(c.viewmat)[:3, 3] for c in cameras])
    steps = eyes.diff(dim=0)
    assert steps.norm(dim=1).max() < 0.02
    assert steps.diff(dim=0).norm(dim=1).max() < 0.001


def test_places_and_single_keyframes(tmp_path: Path) -> None:
    moved = PLACE | {"time": 1, "eye": [1, 0, 1]}
    eyes = [
        torch.linalg.inv(camera.viewmat)[:3, 3]
        for camera in read_camera_path(write(tmp_path / "a.json", [PLACE, moved])).cameras(
            3, 2, 8, 8
        )
    ]
    torch.testing.assert_close(eyes[1], torch.tensor([0.5, 0, 1]), atol=1e-5, rtol=0)
    (still,) = read_camera_path(write(tmp_path / "b.json", [FIRST])).cameras(1, 25, 8, 8)
    torch.testing.assert_close(still.viewmat, orbit(torch.zeros(3), 1, -40, 0, 20, 8, 8).viewmat)


BROKEN = {
    "empty": ([], "no list"),
    "not a list": ({"a": 1}, "no list"),
    "not an object": ([3], "not an object"),
    "missing": ([{k: v for k, v in FIRST.items() if k != "fov_y"}], "keyframe 0 has the entries"),
    "unknown": ([FIRST | {"roll": 3}], "keyframe 0 has the entries"),
    "mixed": ([FIRST, PLACE | {"time": 9}], "keyframe 1 has the entries"),
    "text": ([FIRST | {"azimuth": "left"}], '"azimuth" of keyframe 0 is not a finite number'),
    "short": ([FIRST | {"target": [0, 0]}], '"target" of keyframe 0 is not three'),
    "NaN": ([FIRST | {"distance": float("nan")}], '"distance" of keyframe 0 is not a finite'),
    "backwards": ([SECOND, FIRST], "times of the keyframes do not rise"),
    "fov": ([FIRST | {"fov_y": 180}], "not between 0 and 180"),
    "distance": ([FIRST | {"distance": -1}], "not positive"),
    "same": ([PLACE | {"eye": [0, 0, 0]}], "the same place"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_path_is_named(tmp_path: Path, name: str) -> None:
    keyframes, words = BROKEN[name]
    path = write(tmp_path / "a.json", keyframes)
    with pytest.raises(ValueError) as caught:
        read_camera_path(path).cameras(10, 25, 8, 8)
    assert str(caught.value).startswith(f"{path}: ") and words in str(caught.value)


def test_unreadable_paths(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_camera_path(tmp_path / "a.json").cameras(10, 25, 8, 8)
    for content in (b"{", b"\xff\xfe", b"[1]", b"[" * 100_000):
        (tmp_path / "a.json").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.json"):
            read_camera_path(tmp_path / "a.json").cameras(10, 25, 8, 8)
