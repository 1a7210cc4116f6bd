"""Broken frames and cameras of a capture: one sentence that names the file and the rule."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from captures import edit_frames

from avatar.reconstruct.capture_reader import open_capture

Entry = dict[str, Any]
Refuses = Callable[..., None]


def test_no_such_folder(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"nowhere: there is no such folder"):
        open_capture(tmp_path / "nowhere")


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_missing_transforms_file(folder: Path, refuses: Refuses, split: str):
    (folder / f"transforms_{split}.json").unlink()
    refuses(f"transforms_{split}.json", "there is no such file")


@pytest.mark.parametrize("text", ["", '{"frames": [', "{'frames': []}", "\x00\x01"])
def test_a_transforms_file_that_is_no_json(folder: Path, refuses: Refuses, text: str):
    (folder / "transforms_val.json").write_text(text)
    refuses("transforms_val.json", "not a JSON file")


@pytest.mark.parametrize("text", ["[]", "{}", '{"frames": {}}', '{"frames": [1]}'])
def test_a_transforms_file_without_a_list_of_frames(folder: Path, refuses: Refuses, text: str):
    (folder / "transforms_val.json").write_text(text)
    refuses("transforms_val.json", 'no list "frames"')


def test_nothing_to_learn_from(folder: Path, refuses: Refuses):
    (folder / "transforms_train.json").write_text('{"frames": []}')
    refuses("transforms_train.json", "no frames to learn from")


def test_a_frame_twice(folder: Path, refuses: Refuses):
    edit_frames(folder, lambda entry: entry.update(camera_id="00", camera_index=0))
    refuses("transforms_train.json: frame 1", "twice", "frame 0")


def test_a_held_out_frame_among_those_to_learn_from(folder: Path, refuses: Refuses):
    frames = json.loads((folder / "transforms_train.json").read_text())
    (folder / "transforms_val.json").write_text(json.dumps(frames))
    refuses("transforms_val.json: frame 0", "twice", "transforms_train.json: frame 0")


@pytest.mark.parametrize("timestep", [None, "first", -1, 0.5, True, float("nan")])
def test_a_timestep_that_is_none(folder: Path, refuses: Refuses, timestep: object):
    edit_frames(folder, lambda entry: entry.update(timestep_index=timestep))
    refuses("transforms_train.json: frame 1", "timestep_index")


def rows(folder: Path, change: Callable[[np.ndarray], object]) -> None:
    """Change the camera matrix of a frame in place."""

    def edit(entry: Entry) -> None:
        matrix = np.array(entry["transform_matrix"])
        change(matrix)
        entry["transform_matrix"] = matrix.tolist()

    edit_frames(folder, edit)


def scale_rotation(factor: object) -> Callable[[np.ndarray], object]:
    return lambda matrix: matrix[:3, :3].__imul__(factor)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (scale_rotation(0.0), "singular"),
        (lambda matrix: matrix[:3, 2].__imul__(0.0), "singular"),
        (lambda matrix: matrix[:3, 2].__imul__(-1.0), "mirrors"),
        (scale_rotation(1.05), "not a rotation"),
        (lambda matrix: matrix[:3, 0].__iadd__(0.1 * matrix[:3, 1]), "not a rotation"),
        (lambda matrix: matrix[3].__iadd__(0.1), "0 0 0 1"),
        (lambda matrix: matrix.__setitem__((0, 3), np.nan), "not finite"),
        (lambda matrix: matrix.__setitem__((1, 1), np.inf), "not finite"),
    ],
)
def test_a_matrix_that_is_no_camera(
    folder: Path, refuses: Refuses, change: Callable[[np.ndarray], object], rule: str
):
    rows(folder, change)
    refuses("transforms_train.json: frame 1", "transform_matrix", rule)


@pytest.mark.parametrize(
    "change",
    [
        lambda matrix: matrix[:3, 1:3].__imul__(-1.0),  # OpenCV's axes
        lambda matrix: matrix[:3, 3].__imul__(-1.0),
    ],
)
def test_a_camera_that_looks_away(
    folder: Path, refuses: Refuses, change: Callable[[np.ndarray], object]
):
    rows(folder, change)
    refuses("transforms_train.json: frame 1", "behind the camera", "transform_matrix")


@pytest.mark.parametrize("matrix", [None, [], [[1, 0], [0, 1]], [["a"] * 4] * 4, [[1], [1, 2]]])
def test_a_camera_matrix_of_another_shape(folder: Path, refuses: Refuses, matrix: object):
    edit_frames(folder, lambda entry: entry.update(transform_matrix=matrix))
    refuses("transforms_train.json: frame 1", "transform_matrix")


@pytest.mark.parametrize("name", ["fl_x", "fl_y", "cx", "cy", "w", "h"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), "12", None, True])
def test_camera_numbers_that_are_none(folder: Path, refuses: Refuses, name: str, value: object):
    edit_frames(folder, lambda entry: entry.update({name: value}))
    refuses("transforms_train.json: frame 1", name, "not a finite number")


@pytest.mark.parametrize("name", ["fl_x", "fl_y"])
@pytest.mark.parametrize("value", [0, -500])
def test_a_focal_length_that_is_not_positive(
    folder: Path, refuses: Refuses, name: str, value: float
):
    edit_frames(folder, lambda entry: entry.update({name: value}))
    refuses("transforms_train.json: frame 1", name, "not a positive focal length")


@pytest.mark.parametrize("angle", [0, -1, 3.2])
def test_an_opening_angle_that_cannot_be(folder: Path, refuses: Refuses, angle: float):
    edit_frames(folder, lambda e: (e.pop("fl_y"), e.update(camera_angle_y=angle)))
    refuses("transforms_train.json: frame 1", "camera_angle_y", "angle")


def test_a_camera_without_a_focal_length(folder: Path, refuses: Refuses):
    path = folder / "transforms_train.json"
    content = json.loads(path.read_text())
    del content["fl_x"], content["frames"][1]["fl_x"], content["frames"][1]["camera_angle_x"]
    path.write_text(json.dumps(content))
    refuses("transforms_train.json: frame 1", "fl_x", "camera_angle_x")
