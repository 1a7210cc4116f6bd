"""Animated .glb files: what goes in is what plays."""

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
import trimesh
from coloured_scans import painted
from glb_files import read_glb
from head_meshes import HEAD, decimated, whole_head

from avatar.avatar_io.animated_glb import HeadJoint, MorphTargets, write_glb
from avatar.geometry.coloured import Paint
from avatar.geometry.mesh_file import read_mesh
from avatar.geometry.rotations import head_poses
from avatar.geometry.triangle_mesh import Mesh
from avatar.rigging.avatar import pose

MESH = Mesh(HEAD.vertices, HEAD.faces)
FRAMES, FPS = 5, 24.0
NAMES = ("jawOpen", "mouthPucker")


def moving() -> tuple[MorphTargets, HeadJoint]:
    random = torch.manual_seed(0)
    units = torch.stack([HEAD.unit(name) for name in NAMES])
    poses = head_poses(torch.randn(FRAMES, 3, generator=random) * 0.2, HEAD.pivot)
    weights = torch.rand(FRAMES, 2, generator=random)
    return MorphTargets(NAMES, units, weights), HeadJoint(HEAD.pivot, HEAD.pose_weights, poses)


def truth(targets: MorphTargets, joint: HeadJoint) -> np.ndarray:
    moved = torch.einsum("fk,kvx->fvx", targets.weights, targets.offsets) + HEAD.vertices
    frames = zip(moved, joint.poses, strict=True)
    return torch.stack([pose(frame, HEAD, turn) for frame, turn in frames]).numpy()


def test_morphs_and_a_joint_play_what_the_rig_draws(tmp_path: Path):
    targets, joint = moving()
    write_glb(tmp_path / "a.glb", MESH, targets, FPS, joint)
    found = read_glb(tmp_path / "a.glb")
    assert found.names == list(NAMES)
    assert np.abs(found.frames() - truth(targets, joint)).max() < 1e-6
    assert np.array_equal(found.rows(found.shape["indices"]).reshape(-1, 3), HEAD.faces)
    for times, _ in found.curves().values():
        assert np.allclose(times, (np.arange(FRAMES) + 0.5) / FPS)
    assert {path for _, path in found.curves()} == {"weights", "rotation", "translation"}


def test_a_head_that_never_turns_has_no_joint(tmp_path: Path):
    targets, joint = moving()
    still = HeadJoint(joint.pivot, joint.share, torch.eye(4).expand(FRAMES, 4, 4))
    write_glb(tmp_path / "a.glb", MESH, targets, FPS, still)
    found = read_glb(tmp_path / "a.glb")
    assert "skins" not in found.content and len(found.content["nodes"]) == 1
    assert np.abs(found.frames() - truth(targets, still)).max() < 1e-6


def test_turns_go_the_short_way(tmp_path: Path):
    targets, joint = moving()
    write_glb(tmp_path / "a.glb", MESH, targets, FPS, joint)
    turns = read_glb(tmp_path / "a.glb").curves()[2, "rotation"][1]
    assert (turns[:, 3] > 0).all() and np.allclose(np.linalg.norm(turns, axis=1), 1)


def test_colours_of_vertices_come_back(tmp_path: Path):
    scan = painted(decimated(whole_head(), 0.3))
    targets, joint = moving()
    offsets = torch.randn(2, len(scan.vertices), 3, generator=torch.manual_seed(1))
    share = torch.rand(len(scan.vertices), generator=torch.manual_seed(2))
    targets = MorphTargets(NAMES, offsets, targets.weights)
    joint = HeadJoint(joint.pivot, share, joint.poses)
    write_glb(tmp_path / "plain.glb", scan.mesh, targets, FPS, joint)
    write_glb(tmp_path / "a.glb", scan.mesh, targets, FPS, joint, scan.paint)
    plain, found = read_glb(tmp_path / "plain.glb"), read_glb(tmp_path / "a.glb")
    corners = found.rows(found.shape["indices"]).reshape(-1, 3)
    assert np.abs(found.frames()[:, corners] - plain.frames()[:, scan.faces]).max() < 1e-5
    again = read_mesh(tmp_path / "a.glb")
    assert np.abs(again.paint.rgb - scan.paint.rgb).max() < 1 / 255
    assert np.allclose(again.vertices[again.faces], scan.vertices[scan.faces], atol=1e-6)


def test_textures_come_back(tmp_path: Path):
    """Two textures, and triangles with none; a vertex has other places in the texture on each of
    its triangles."""
    random = np.random.default_rng(0)
    pictures = tuple(random.integers(0, 256, (8, n, 3)).astype(np.uint8) for n in (4, 16))
    uv = random.uniform(0, 1, (len(HEAD.faces), 3, 2))
    rgb = np.ones((len(HEAD.faces), 3, 3))
    number = random.integers(-1, 2, len(HEAD.faces))
    paint = Paint(rgb, uv, number, pictures)
    write_glb(tmp_path / "a.glb", MESH, moving()[0], FPS, moving()[1], paint)
    found = read_glb(tmp_path / "a.glb")
    for part in found.content["meshes"][0]["primitives"]:
        colour = found.content["materials"][part["material"]]["pbrMetallicRoughness"]
        texture = colour.get("baseColorTexture", {}).get("index", -1)
        corners = found.rows(part["indices"]).reshape(-1, 3)
        places = uv[number == texture] * [1, -1] + [0, 1]
        assert np.allclose(found.attribute("TEXCOORD_0")[corners], places, atol=1e-6)
        if texture >= 0:
            image = found.content["images"][found.content["textures"][texture]["source"]]
            view = found.content["bufferViews"][image["bufferView"]]
            data = found.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
            assert np.array_equal(imageio.imread(data), pictures[texture])


def test_another_program_reads_it(tmp_path: Path):
    targets, joint = moving()
    write_glb(tmp_path / "a.glb", MESH, targets, FPS, joint)
    scene = trimesh.load_scene(tmp_path / "a.glb", process=False)
    (mesh,) = scene.geometry.values()
    assert np.array_equal(mesh.faces, HEAD.faces)  # type: ignore[attr-defined]


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_glb(tmp_path / "a.glb", MESH, moving()[0], FPS, moving()[1])
    assert not list(tmp_path.iterdir())
