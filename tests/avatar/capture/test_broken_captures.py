"""Every way in which a capture can be broken: one sentence that names the file and the rule."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
from captures import edit_arrays, edit_frames, small_spec, write_capture

from avatar.capture import open_capture, read_picture

Entry = dict[str, Any]
Refuses = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_capture(tmp_path / "capture", small_spec())


@pytest.fixture
def refuses(folder: Path) -> Refuses:
    """Check that opening fails with one sentence that holds all of `said`."""

    def check(*said: str) -> None:
        with pytest.raises((ValueError, FileNotFoundError)) as caught:
            open_capture(folder)
        message = str(caught.value)
        assert "\n" not in message
        for words in said:
            assert words in message, message

    return check


def test_no_such_folder(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"nowhere: there is no such folder"):
        open_capture(tmp_path / "nowhere")


# --- the transforms files


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


# --- pictures and masks


@pytest.mark.parametrize("kind", ["images", "fg_masks"])
def test_a_missing_picture(folder: Path, refuses: Refuses, kind: str):
    (folder / kind / "00000_01.png").unlink()
    refuses("transforms_train.json: frame 1", f"{kind}/00000_01.png is missing")


@pytest.mark.parametrize("key", ["file_path", "fg_mask_path"])
def test_a_picture_without_a_name(folder: Path, refuses: Refuses, key: str):
    edit_frames(folder, lambda entry: entry.update({key: ""}))
    refuses("transforms_train.json: frame 1", key)


@pytest.mark.parametrize("kind", ["images", "fg_masks"])
def test_a_file_that_is_no_picture(folder: Path, refuses: Refuses, kind: str):
    (folder / kind / "00000_01.png").write_text("Dear diary,\n")
    refuses("transforms_train.json: frame 1", f"{kind}/00000_01.png", "not a picture")


def test_a_picture_of_another_size_than_the_frame_says(folder: Path, refuses: Refuses):
    imageio.imwrite(folder / "images" / "00000_01.png", np.zeros((32, 48, 3), np.uint8))
    refuses("frame 1", "images/00000_01.png is 48x32 pixels", "says 24x16")


def test_a_mask_of_another_size_than_its_picture(folder: Path, refuses: Refuses):
    imageio.imwrite(folder / "fg_masks" / "00000_01.png", np.zeros((32, 48), np.uint8))
    refuses("frame 1", "fg_masks/00000_01.png is 48x32 pixels", "images/00000_01.png is 24x16")


@pytest.mark.parametrize("kind", ["images", "fg_masks"])
def test_a_picture_that_is_cut_off(folder: Path, kind: str):
    """Its header is whole, so it shows when its pixels are read."""
    path = folder / kind / "00000_01.png"
    path.write_bytes(path.read_bytes()[:-40])
    view = open_capture(folder).splits["train"][1]
    with pytest.raises(ValueError, match=f"{kind}/00000_01.png is not a picture that can be read"):
        read_picture(view)


def test_a_picture_that_changes_while_it_is_used(folder: Path):
    view = open_capture(folder).splits["train"][1]
    imageio.imwrite(view.image, np.zeros((32, 48, 3), np.uint8))
    with pytest.raises(ValueError, match=r"images/00000_01\.png: changed its size"):
        read_picture(view)


# --- cameras


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


# --- meshes


def test_a_frame_without_tracking(folder: Path, refuses: Refuses):
    edit_frames(folder, lambda entry: entry.pop("vertices_path"))
    refuses("transforms_train.json: frame 1", "no tracking", "flame_param_path", "vertices_path")


def test_two_kinds_of_tracking(folder: Path, refuses: Refuses):
    def change(entry: Entry) -> None:
        entry["flame_param_path"] = entry.pop("vertices_path")

    edit_frames(folder, change)
    refuses("transforms_train.json: frame 1", "flame_param_path", "vertices_path")


def test_two_meshes_of_one_timestep(folder: Path, refuses: Refuses):
    edit_frames(folder, lambda entry: entry.update(vertices_path="vertices/00001.npz"))
    refuses("transforms_train.json: frame 1", "two meshes", "00001.npz", "00000.npz")


def test_missing_vertices(folder: Path, refuses: Refuses):
    (folder / "vertices" / "00001.npz").unlink()
    refuses("vertices/00001.npz", "no such file")


def test_a_missing_rest_mesh(folder: Path, refuses: Refuses):
    (folder / "canonical_mesh.npz").unlink()
    refuses("canonical_mesh.npz", "no such file", "rest mesh")


@pytest.mark.parametrize("name", ["vertices/00001.npz", "canonical_mesh.npz"])
def test_arrays_that_cannot_be_read(folder: Path, refuses: Refuses, name: str):
    data = (folder / name).read_bytes()
    for spoiled in (data[: len(data) // 2], b"", b"Dear diary,\n"):
        (folder / name).write_bytes(spoiled)
        refuses(name, "not a readable .npz")


def test_pickled_objects_are_never_loaded(folder: Path, refuses: Refuses):
    harmful = np.array([print], object)
    np.savez(folder / "vertices" / "00001.npz", vertices=harmful)
    refuses("vertices/00001.npz", "plain arrays")


def test_another_number_of_vertices(folder: Path, refuses: Refuses):
    np.savez(folder / "vertices" / "00001.npz", vertices=np.zeros((5, 3), np.float32))
    refuses("vertices/00001.npz", "5 vertices", "rest mesh has 4")


@pytest.mark.parametrize(
    ("array", "rule"),
    [
        (np.zeros((4, 2), np.float32), "shape [4, 2]"),
        (np.zeros((2, 4, 3), np.float32), "2 moments"),
        (np.full((4, 3), np.nan, np.float32), "not finite"),
        (np.full((4, 3), np.inf), "not finite"),
        (np.full((4, 3), "x"), "not numbers"),
    ],
)
def test_vertices_that_are_none(folder: Path, refuses: Refuses, array: np.ndarray, rule: str):
    np.savez(folder / "vertices" / "00001.npz", vertices=array)
    refuses("vertices/00001.npz", "'vertices'", rule)


def test_vertices_under_another_name(folder: Path, refuses: Refuses):
    np.savez(folder / "vertices" / "00001.npz", points=np.zeros((4, 3)))
    refuses("vertices/00001.npz", "no array 'vertices'", "points")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"topology": np.array("squirrel")}, ("squirrel", "anny-head")),
        ({"topology": np.array("anny-head")}, ("5000", "4")),
        ({"topology": np.array("flame")}, ("5023", "4")),
        ({"faces": np.array([[0, 1, 4]])}, ("face", "4")),
        ({"faces": np.array([[0, 1, -1]])}, ("face", "4")),
        ({"faces": np.array([0, 1, 2])}, ("'faces'", "shape")),
        ({"faces": np.array([[0.5, 1, 2]])}, ("'faces'", "float64")),
        ({"rest": np.full((4, 3), np.nan)}, ("'rest'", "not finite")),
        ({"rest": None}, ("no array 'rest'",)),
        ({"topology": None}, ("no array 'topology'",)),
    ],
)
def test_a_rest_mesh_that_is_broken(
    folder: Path, refuses: Refuses, change: dict[str, np.ndarray | None], said: tuple[str, ...]
):
    path = folder / "canonical_mesh.npz"
    edit_arrays(path, **change)
    refuses("canonical_mesh.npz", *said)
