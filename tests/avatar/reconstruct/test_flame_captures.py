"""Captures with FLAME parameters, as VHAP exports them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from captures import edit_arrays, edit_frames, small_spec, to_flame, write_capture
from flame_files import write_flame

from avatar.heads.flame_model import (
    FlameModel,
    FlameParameters,
    flame_vertices,
    load_flame,
    neutral,
)
from avatar.heads.flame_regions import add_teeth
from avatar.reconstruct.capture_reader import open_capture

Entry = dict[str, Any]


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_flame(tmp_path_factory.mktemp("flame"))


@pytest.fixture(scope="module")
def toothed(flame: Path) -> FlameModel:
    return add_teeth(load_flame(flame))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return to_flame(write_capture(tmp_path / "capture", small_spec()))


def parameters_of(path: Path) -> FlameParameters:
    with np.load(path) as data:
        a = {name: torch.from_numpy(data[name]).float() for name in data.files}
    return FlameParameters(
        a["shape"],
        a["expr"][0],
        a["rotation"][0],
        a["neck_pose"][0],
        a["jaw_pose"][0],
        a["eyes_pose"][0],
        a["translation"][0],
        a["static_offset"][0] if "static_offset" in a else None,
        a["dynamic_offset"][0] if "dynamic_offset" in a else None,
    )


def test_every_timestep_is_flame_posed_by_its_parameters(
    folder: Path, flame: Path, toothed: FlameModel
):
    capture = open_capture(folder, flame)
    assert capture.topology == "flame-teeth"
    assert torch.equal(capture.faces, toothed.faces)
    for timestep in range(3):
        expected = flame_vertices(
            toothed, parameters_of(folder / "flame_param" / f"{timestep:05d}.npz")
        )
        assert torch.allclose(capture.vertices[timestep], expected, atol=1e-6)


def test_the_rest_mesh_is_the_person_with_the_mouth_shut(
    folder: Path, flame: Path, toothed: FlameModel
):
    person = parameters_of(folder / "canonical_flame_param.npz")
    expected = flame_vertices(
        toothed, neutral(shape=person.shape, static_offset=person.static_offset)
    )
    assert torch.allclose(open_capture(folder, flame).rest, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("offsets", "topology"), [(5023, "flame"), (5143, "flame-teeth"), (None, "flame-teeth")]
)
def test_teeth_are_there_unless_the_offsets_lack_them(
    tmp_path: Path, flame: Path, offsets: int | None, topology: str
):
    folder = to_flame(write_capture(tmp_path / "capture", small_spec()), offsets)
    capture = open_capture(folder, flame)
    assert capture.topology == topology
    assert capture.vertices.shape == (3, offsets or 5143, 3)


def test_a_translation_moves_the_whole_head(folder: Path, flame: Path):
    before = open_capture(folder, flame).vertices
    path = folder / "flame_param" / "00001.npz"
    with np.load(path) as data:
        moved = data["translation"] + np.array([[0.1, 0.2, 0.3]], np.float32)
    edit_arrays(path, translation=moved)
    shift = open_capture(folder, flame).vertices - before
    assert torch.allclose(shift[1], torch.tensor([0.1, 0.2, 0.3]).expand_as(shift[1]), atol=1e-6)
    assert torch.equal(shift[0], torch.zeros_like(shift[0]))


def test_fewer_directions_and_double_precision_are_read(folder: Path, flame: Path):
    for timestep in range(3):
        path = folder / "flame_param" / f"{timestep:05d}.npz"
        with np.load(path) as data:
            shape, expr = data["shape"].copy(), data["expr"].copy()
        shape[200:], expr[:, 50:] = 0, 0
        edit_arrays(path, shape=shape, expr=expr, dynamic_offset=None)
    before = open_capture(folder, flame).vertices
    for timestep in range(3):
        path = folder / "flame_param" / f"{timestep:05d}.npz"
        with np.load(path) as data:
            short = {"shape": data["shape"][:200].astype(float), "expr": data["expr"][:, :50]}
        edit_arrays(path, **short)
    assert torch.equal(open_capture(folder, flame).vertices, before)


# --- broken


@pytest.fixture
def refuses(folder: Path, flame: Path) -> Callable[..., None]:
    def check(*said: str, model: Path | None = flame) -> None:
        with pytest.raises((ValueError, FileNotFoundError)) as caught:
            open_capture(folder, model)
        message = str(caught.value)
        assert "\n" not in message
        for words in said:
            assert words in message, message

    return check


def test_without_the_users_flame_file(refuses: Callable[..., None], folder: Path):
    refuses(str(folder), "flame.is.tue.mpg.de", "--flame", model=None)


def test_a_flame_file_that_is_not_there(refuses: Callable[..., None], tmp_path: Path):
    refuses("gone.pkl", "no such file", model=tmp_path / "gone.pkl")


def test_a_missing_canonical_file(refuses: Callable[..., None], folder: Path):
    (folder / "canonical_flame_param.npz").unlink()
    refuses("canonical_flame_param.npz", "no such file")


def test_missing_parameters_of_a_timestep(refuses: Callable[..., None], folder: Path):
    (folder / "flame_param" / "00001.npz").unlink()
    refuses("flame_param/00001.npz", "no such file")


def test_a_frame_without_parameters(refuses: Callable[..., None], folder: Path):
    edit_frames(folder, lambda entry: entry.pop("flame_param_path"))
    refuses("transforms_train.json: frame 1", "no tracking", "flame_param_path")


@pytest.mark.parametrize("name", ["shape", "expr", "jaw_pose", "eyes_pose", "translation"])
def test_parameters_that_lack_an_array(refuses: Callable[..., None], folder: Path, name: str):
    edit_arrays(folder / "flame_param" / "00001.npz", **{name: None})
    refuses("flame_param/00001.npz", f"no array {name!r}")


@pytest.mark.parametrize(
    ("name", "array", "rule"),
    [
        ("expr", np.zeros((1, 101), np.float32), "shape [1, 101], but FLAME takes 100 numbers"),
        ("eyes_pose", np.zeros((1, 3), np.float32), "shape [1, 3], but FLAME takes 6 numbers"),
        ("jaw_pose", np.zeros((2, 3), np.float32), "jaw_pose 2"),
        ("rotation", np.full((1, 3), np.nan, np.float32), "not finite"),
        ("static_offset", np.zeros((1, 5000, 3), np.float32), "[1, 5000, 3], but FLAME has 5023"),
        ("dynamic_offset", np.zeros((1, 5023, 3), np.float32), "the first timestep has 5143"),
        ("static_offset", np.zeros((5143, 2), np.float32), "shape"),
    ],
)
def test_parameters_of_another_kind(
    refuses: Callable[..., None], folder: Path, name: str, array: np.ndarray, rule: str
):
    edit_arrays(folder / "flame_param" / "00001.npz", **{name: array})
    refuses("flame_param/00001.npz", name, rule)


def test_a_file_of_two_timesteps(refuses: Callable[..., None], folder: Path):
    path = folder / "flame_param" / "00001.npz"
    with np.load(path) as data:
        twice = {n: np.concatenate([data[n]] * 2) for n in data.files if n != "shape"}
    edit_arrays(path, **twice)
    refuses("flame_param/00001.npz", "holds 2 frames; one file holds one")
