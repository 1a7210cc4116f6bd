"""The zip that LAM's renderer opens: what its reader looks for, and the avatar's own motion."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from foreign_splats import read_world_ply
from glb_files import Glb, glb_of

from avatar.drive import gaussian_export
from avatar.drive.gaussian_export import export_gaussians
from avatar.drive.options import ExportOptions
from avatar.drive.retarget import avatar_face
from avatar.heads.arkit import WEIGHTS
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from common.errors import InputError


@pytest.fixture
def written(avatar_file: Path, tmp_path: Path) -> zipfile.ZipFile:
    export_gaussians(ExportOptions(tmp_path / "anna.zip", avatar=avatar_file))
    return zipfile.ZipFile(tmp_path / "anna.zip")


def skin_of(written: zipfile.ZipFile) -> Glb:
    return glb_of(written.read("anna/skin.glb"))


def test_the_folder_has_its_own_entry_and_the_four_files(written: zipfile.ZipFile):
    files = ("skin.glb", "offset.ply", "animation.glb", "vertex_order.json")
    assert written.namelist() == ["anna/", *(f"anna/{name}" for name in files)]


def test_vertices_stand_and_move_as_the_gaussians_do(
    written: zipfile.ZipFile, small_avatar: Avatar
):
    skin, rig = skin_of(written), avatar_rig(small_avatar, torch.device("cpu"))
    head = avatar_face(Path("subject.ply"), small_avatar).head
    rest = rig(small_avatar.vertices).means.numpy()
    placed = skin.attribute("POSITION")
    assert np.allclose(placed - rest, [0, 1.66, 0], atol=1e-6)
    assert skin.names == sorted(WEIGHTS)
    for name in ("jawOpen", "mouthSmileLeft", "eyeBlinkRight"):
        moved = rig(small_avatar.vertices + head.unit(name)).means.numpy()
        target = skin.rows(skin.shape["targets"][skin.names.index(name)]["POSITION"])
        assert np.abs(target - (moved - rest)).max() < 2e-6
        assert np.abs(target).max() > 1e-3


def test_every_vertex_follows_the_bone_called_head(written: zipfile.ZipFile):
    skin = skin_of(written)
    (bones,) = skin.content["skins"]
    names = [skin.content["nodes"][node]["name"] for node in bones["joints"]]
    assert names == ["hip", "head"]
    assert (skin.attribute("JOINTS_0")[:, 0] == 1).all()
    assert (skin.attribute("WEIGHTS_0") == [1, 0, 0, 0]).all()
    corners = skin.rows(skin.shape["indices"])[:, 0]
    assert set(corners) == set(range(len(skin.attribute("POSITION")))) and len(corners) % 3 == 0


def test_gaussians_lie_at_their_vertices_in_plain_colours(
    written: zipfile.ZipFile, small_avatar: Avatar, tmp_path: Path
):
    (tmp_path / "offset.ply").write_bytes(written.read("anna/offset.ply"))
    read = read_world_ply(tmp_path / "offset.ply")
    rest = avatar_rig(small_avatar, torch.device("cpu"))(small_avatar.vertices)
    assert not read.means.any() and read.sh.shape[1] == 1
    assert torch.allclose(read.sh[:, 0], torch.tensor([0.8, 0.6, 0.5]), atol=1e-6)
    assert torch.allclose(read.scales, rest.scales, rtol=1e-5)
    assert torch.allclose(read.opacities, rest.opacities, atol=1e-6)


def test_clips_hold_the_head_still(written: zipfile.ZipFile):
    clips = glb_of(written.read("anna/animation.glb"))
    assert len(clips.content["animations"]) == 12
    for clip in clips.content["animations"]:
        (channel,) = clip["channels"]
        assert clips.content["nodes"][channel["target"]["node"]]["name"] == "head"
        assert (clips.rows(clip["samplers"][0]["output"]) == [0, 0, 0, 1]).all()


def test_the_order_is_by_height(written: zipfile.ZipFile):
    order = json.loads(written.read("anna/vertex_order.json"))
    heights = skin_of(written).attribute("POSITION")[order, 1]
    assert len(set(order)) == len(order) and (np.diff(heights) >= 0).all()


def test_more_gaussians_than_the_renderer_holds_are_refused(
    avatar_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gaussian_export, "most_gaussians", lambda targets: 1000)
    with pytest.raises(InputError, match="LAM's renderer has room for 1,000"):
        export_gaussians(ExportOptions(tmp_path / "anna.zip", avatar=avatar_file))
    assert not (tmp_path / "anna.zip").exists()
