"""Captures are read as they were written."""

import json
from operator import methodcaller
from pathlib import Path

import numpy as np
import pytest
import torch
from captures import CaptureSpec, edit_frames, small_spec, write_capture
from PIL import ImageFile

from avatar.reconstruct.capture_pictures import read_picture
from avatar.reconstruct.capture_reader import open_capture, split_views


@pytest.fixture
def spec() -> CaptureSpec:
    return small_spec()


@pytest.fixture
def folder(spec: CaptureSpec, tmp_path: Path) -> Path:
    return write_capture(tmp_path / "capture", spec)


def test_the_splits_hold_what_was_written(folder: Path, spec: CaptureSpec):
    capture = open_capture(folder)
    assert {name: len(views) for name, views in capture.splits.items()} == {
        "train": 4,
        "val": 2,
        "test": 3,
    }
    assert {view.camera_id for view in capture.splits["val"]} == {"02"}
    assert {view.timestep for view in capture.splits["test"]} == {2}
    assert capture.topology == "mesh"
    assert torch.equal(capture.vertices, spec.vertices)
    assert torch.equal(capture.rest, spec.mesh.vertices)
    assert torch.equal(capture.faces, spec.mesh.faces)


def test_cameras_come_back(folder: Path, spec: CaptureSpec):
    for view in open_capture(folder).splits["test"]:
        written = spec.cameras[int(view.camera_id)]
        assert torch.allclose(view.camera.viewmat, written.viewmat, atol=1e-6)
        assert torch.allclose(view.camera.K, written.K)
        assert (view.camera.width, view.camera.height) == (written.width, written.height)


def without_intrinsics(entry: dict, *kept: str) -> None:
    names = {"fl_x", "fl_y", "cx", "cy", "w", "h", "camera_angle_x", "camera_angle_y"}
    for name in names - set(kept):
        del entry[name]


@pytest.mark.parametrize("kept", [("camera_angle_x",), ("fl_x",), ("camera_angle_x", "w", "h")])
def test_an_opening_angle_is_enough(folder: Path, spec: CaptureSpec, kept: tuple[str, ...]):
    path = folder / "transforms_train.json"
    content = json.loads(path.read_text())
    for entry in content["frames"]:
        without_intrinsics(entry, *kept)
    path.write_text(json.dumps({"frames": content["frames"]}))
    for view in open_capture(folder).splits["train"]:
        assert torch.allclose(view.camera.K, spec.cameras[0].K, rtol=1e-5)


def test_entries_beside_the_frames_hold_for_all(folder: Path, spec: CaptureSpec):
    path = folder / "transforms_train.json"
    content = json.loads(path.read_text())
    for entry in content["frames"]:
        without_intrinsics(entry)
    content |= {"camera_angle_x": 0.5, "cx": 10.0}
    del content["fl_x"]
    path.write_text(json.dumps(content))
    focal = 12 / np.tan(0.25)
    for view in open_capture(folder).splits["train"]:
        expected = torch.tensor([[focal, 0, 10], [0, focal, 8], [0, 0, 1]], dtype=torch.float32)
        assert torch.allclose(view.camera.K, expected)


def test_timesteps_may_have_gaps(folder: Path, spec: CaptureSpec):
    for index in range(3):
        edit_frames(folder, lambda entry: entry.update(timestep_index=900), "test", index)
    capture = open_capture(folder)
    assert {view.timestep for view in capture.splits["test"]} == {2}
    assert torch.equal(capture.vertices, spec.vertices)


def test_one_moving_camera_is_a_capture(tmp_path: Path):
    """As VHAP splits it: no views for val."""
    spec = small_spec(timesteps=4)
    folder = write_capture(tmp_path / "capture", spec)
    for split in ("train", "test"):
        path = folder / f"transforms_{split}.json"
        content = json.loads(path.read_text())
        frames = [f for f in content["frames"] if f["camera_index"] == f["timestep_index"] % 2]
        for frame in frames:
            del frame["camera_id"], frame["camera_index"]
        path.write_text(json.dumps(content | {"frames": frames}))
    (folder / "transforms_val.json").write_text('{"frames": []}')
    capture = open_capture(folder)
    assert [view.camera_id for view in capture.splits["train"]] == ["0", "0"]
    first, second = (view.camera.viewmat for view in capture.splits["train"])
    assert not torch.allclose(first, second)
    with pytest.raises(ValueError, match=r"transforms_val\.json: has no frames; use train, test"):
        split_views(capture, "val", folder)


def test_pictures_without_suffix_are_png(folder: Path):
    edit_frames(folder, lambda entry: entry.update(file_path=entry["file_path"][:-4]))
    assert open_capture(folder).splits["train"][1].image.suffix == ".png"


def test_masks_are_optional(folder: Path):
    edit_frames(folder, lambda entry: entry.pop("fg_mask_path"))
    first, second, *_ = open_capture(folder).splits["train"]
    assert first.mask is not None and second.mask is None


def test_opening_reads_no_pixels(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def no_pixels(*_: object, **__: object) -> None:
        raise AssertionError("pixels were read")

    monkeypatch.setattr(ImageFile.ImageFile, "load", no_pixels)
    capture = open_capture(folder)
    with pytest.raises(AssertionError, match="pixels were read"):
        read_picture(capture.splits["train"][0])


def test_sequences_are_named_by_the_frame_or_by_their_folder(folder: Path):
    """VHAP joins sequences that lie in folders beside each other."""
    edit_frames(folder, methodcaller("update", sequence="speech"), index=0)
    beside = folder.with_name("EMO-1")
    for kind in ("images", "fg_masks"):
        (beside / kind).mkdir(parents=True)
    for kind in ("images", "fg_masks"):
        (folder / kind / "00000_01.png").rename(beside / kind / "00000_01.png")
    names = {"file_path": "images", "fg_mask_path": "fg_masks"}
    paths = {key: f"../EMO-1/{kind}/00000_01.png" for key, kind in names.items()}
    edit_frames(folder, methodcaller("update", **paths), index=1)
    views = open_capture(folder).splits["train"]
    assert [view.sequence for view in views] == ["speech", "EMO-1", None, None]
