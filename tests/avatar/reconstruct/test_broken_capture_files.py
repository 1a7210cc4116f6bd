"""Broken pictures and meshes of a capture: one sentence that names the file and the rule."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
from captures import edit_arrays, edit_frames

from avatar.reconstruct.capture_pictures import read_picture
from avatar.reconstruct.capture_reader import open_capture

Entry = dict[str, Any]
Refuses = Callable[..., None]


@pytest.mark.parametrize("kind", ["images", "fg_masks"])
def test_a_missing_picture(folder: Path, refuses: Refuses, kind: str):
    (folder / kind / "00000_01.png").unlink()
    refuses("transforms_train.json: frame 1", f"{kind}/00000_01.png: there is no such picture")


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
    with pytest.raises(ValueError, match=f"{kind}/00000_01.png: is not a picture that can be read"):
        read_picture(view)


def test_a_picture_that_changes_while_it_is_used(folder: Path):
    view = open_capture(folder).splits["train"][1]
    imageio.imwrite(view.image, np.zeros((32, 48, 3), np.uint8))
    with pytest.raises(ValueError, match=r"images/00000_01\.png: changed its size"):
        read_picture(view)


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
        (np.zeros((2, 4, 3), np.float32), "2 frames"),
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
