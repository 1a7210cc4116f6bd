"""Motion written on meshes of other topologies, in their own space."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
import trimesh
from glb_files import read_glb
from head_meshes import HEAD, decimated, moved, whole_head
from torch import Tensor

from avatar.avatar_io.live_link import read_take, write_take
from avatar.avatar_io.motion_file import SavedMotion, motion_chunks, motion_writer, open_motion
from avatar.drive.export import Exported, export
from avatar.drive.options import ExportOptions
from avatar.drive.retarget import retargeted
from avatar.geometry.rotations import head_poses
from avatar.geometry.similarity import fit_similarity
from avatar.geometry.triangle_mesh import Mesh
from avatar.retarget.fitted_face import face_of
from avatar.rigging.avatar import pose

FRAMES, FPS = 30, 25.0  # more than a second: only then do timecodes tell their rate
KNOWN = moved(decimated(whole_head(), 0.3), 100.0, 35.0, (4.0, 5.0, 6.0))
"""A head in centimetres that looks aside, far from the origin."""
ANGLES = torch.stack([torch.linspace(-0.3, 0.3, FRAMES), torch.full((FRAMES,), 0.1)] * 2, 1)[:, :3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mesh, motion of anny-head, and the same as ARKit weights."""
    folder = tmp_path_factory.mktemp("meshes")
    mesh = trimesh.Trimesh(KNOWN.mesh.vertices.numpy(), KNOWN.mesh.faces.numpy(), process=False)
    mesh.export(folder / "head.ply")
    save(folder / "motion.npz", Mesh(HEAD.vertices, HEAD.faces), spoken())
    return folder


@pytest.fixture(scope="module", autouse=True)
def shared_cache(folder: Path) -> Iterator[None]:
    """Fit anny-head to the mesh once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICESPLAT_CACHE", str(folder / "cache"))
        yield


def save(path: Path, mesh: Mesh, offsets: Tensor) -> None:
    poses = head_poses(ANGLES, HEAD.pivot)
    with motion_writer(SavedMotion(path, mesh, "anny-head", FPS, poses), {}) as append:
        for frame in offsets.numpy():
            append(frame)


def spoken() -> Tensor:
    t = torch.linspace(0, 6, FRAMES)[:, None, None]
    parts = t.sin().abs() * 0.5 * HEAD.unit("jawOpen")
    return parts + t.cos().abs() * 0.4 * HEAD.unit("mouthSmileLeft")


def run(folder: Path, out: str, **given: Any) -> Exported:
    return export(ExportOptions(folder / out, **given))


def moving_mesh(path: Path) -> np.ndarray:
    """The vertices [F, V, 3] of a motion file, head pose and all."""
    saved = open_motion(path)
    face = face_of(saved.mesh, saved.topology, saved.template)
    offsets = torch.cat(list(motion_chunks(saved)))
    rows = zip(saved.mesh.vertices + offsets, saved.head_pose, strict=True)
    return torch.stack([pose(frame, face.head, turn) for frame, turn in rows]).numpy()


def test_offsets_and_poses_are_those_of_the_mesh(folder: Path):
    done = run(folder, "out.npz", mesh=folder / "head.ply", motion=folder / "motion.npz")
    assert (done.frames, done.fps, done.misfit) == (FRAMES, FPS, None)
    assert done.face.residual_mm is not None and done.face.residual_mm < 0.5
    saved = open_motion(folder / "out.npz")
    assert torch.allclose(saved.mesh.vertices, KNOWN.mesh.vertices, atol=1e-3)
    true = torch.stack([KNOWN.motion(frame) for frame in spoken()])
    offsets = torch.cat(list(motion_chunks(saved)))
    assert (offsets - true).norm() < 0.08 * true.norm()
    turned = head_poses(ANGLES, HEAD.pivot)[:, :3, :3].double().numpy()
    R = KNOWN.turn / 100.0
    assert np.abs(saved.head_pose[:, :3, :3].numpy() - R @ turned @ R.T).max() < 0.005
    pivot = HEAD.pivot.double().numpy() @ KNOWN.turn.T + (4.0, 5.0, 6.0)
    still = saved.head_pose[:, :3, :3].double().numpy() @ pivot
    assert np.abs(still + saved.head_pose[:, :3, 3].numpy() - pivot).max() < 0.05  # centimetres


def test_the_glb_plays_what_the_npz_holds(folder: Path):
    given = {"mesh": folder / "head.ply", "motion": folder / "motion.npz"}
    run(folder, "a.npz", **given)
    run(folder, "a.glb", **given)
    played = read_glb(folder / "a.glb")
    true = moving_mesh(folder / "a.npz")
    rest = open_motion(folder / "a.npz").mesh.vertices.numpy()
    corners = played.rows(played.shape["indices"]).reshape(-1, 3)
    same = rest[KNOWN.mesh.faces]
    assert np.allclose(played.attribute("POSITION")[corners], same, atol=1e-4)
    apart = played.frames()[:, corners] - true[:, KNOWN.mesh.faces]
    assert np.abs(apart).max() < 0.01  # centimetres, of motion that is told by its directions
    assert np.linalg.norm(apart) < 0.01 * np.linalg.norm(true[:, KNOWN.mesh.faces] - same)


def test_a_picture_paints_the_mesh(folder: Path, tmp_path: Path):
    imageio.imwrite(tmp_path / "skin.png", np.full((4, 4, 3), (200, 120, 40), np.uint8))
    lines = (f"v {x} {y} {z}\nvt 0.5 0.5" for x, y, z in KNOWN.mesh.vertices.tolist())
    corners = (" ".join(f"{i}/{i}" for i in face) for face in (KNOWN.mesh.faces + 1).tolist())
    (folder / "head.obj").write_text("\n".join([*lines, *(f"f {face}" for face in corners)]))
    given = {"mesh": folder / "head.obj", "motion": folder / "motion.npz"}
    run(folder, "plain.glb", **given)
    run(folder, "painted.glb", **given, texture=tmp_path / "skin.png")
    assert "images" not in read_glb(folder / "plain.glb").content
    painted = read_glb(folder / "painted.glb")
    view = painted.content["bufferViews"][painted.content["images"][0]["bufferView"]]
    image = painted.binary[view["byteOffset"] :][: view["byteLength"]]
    assert (imageio.imread(image)[..., :3] == (200, 120, 40)).all()


def test_weights_of_a_mesh_are_those_of_the_head(folder: Path, tmp_path: Path):
    """A take goes through a mesh in another unit and place, and comes back."""
    weights = np.zeros((FRAMES, 52))
    weights[:, 17] = np.linspace(0, 0.7, FRAMES)
    write_take(tmp_path / "take.csv", weights, ANGLES.numpy(), FPS)
    given = {"mesh": folder / "head.ply", "arkit": tmp_path / "take.csv"}
    done = run(folder, "back.csv", **given)
    assert done.misfit is not None
    assert done.misfit.all_mm < 1e-3 and 1 < done.misfit.lip_motion_mm < 30
    run(folder, "take.npz", **given)
    run(folder, "saved.csv", motion=folder / "take.npz")
    for name in ("back.csv", "saved.csv"):
        take = read_take(folder / name)
        assert np.abs(take.weights - weights).max() < 2e-3
        assert np.abs(take.head - ANGLES.numpy()).max() < 1e-4


def test_a_take_becomes_named_targets(folder: Path, tmp_path: Path):
    weights = np.random.default_rng(0).uniform(0, 1, (FRAMES, 52))
    write_take(tmp_path / "take.csv", weights, np.zeros((FRAMES, 3)), FPS)
    run(folder, "take.glb", arkit=tmp_path / "take.csv")
    played = read_glb(folder / "take.glb")
    index = played.names.index("jawOpen")
    target = played.rows(played.shape["targets"][index]["POSITION"])
    assert np.allclose(target, HEAD.unit("jawOpen"), atol=1e-6)
    curve = played.curves()[0, "weights"][1].reshape(FRAMES, -1)[:, index]
    assert np.allclose(curve, weights[:, 17], atol=1e-5)
    assert "skins" not in played.content


def test_still_leaves_the_angles_of_a_take_out(folder: Path, tmp_path: Path):
    write_take(tmp_path / "take.csv", np.zeros((FRAMES, 52)), ANGLES.numpy(), FPS)
    run(folder, "still.csv", arkit=tmp_path / "take.csv", still=True, fps=50.0)
    take = read_take(folder / "still.csv")
    assert len(take.times) == 2 * FRAMES and not take.head.any()


def test_there_and_back_in_millimetres_is_the_same(folder: Path):
    """Rest, offsets and poses of one mesh in two places tell the same motion."""
    run(folder, "there.npz", mesh=folder / "head.ply", motion=folder / "motion.npz")
    there = open_motion(folder / "there.npz")
    to_head = fit_similarity(
        there.mesh.vertices.double().numpy(),
        (KNOWN.weights @ HEAD.vertices.double().numpy()),
    )
    home = torch.cat(list(motion_chunks(there))).double().numpy() @ to_head.rotation.T
    true = torch.stack([torch.from_numpy(KNOWN.weights @ f.double().numpy()) for f in spoken()])
    assert np.linalg.norm(home * to_head.scale - true.numpy()) < 0.08 * float(true.norm())
    assert torch.allclose(
        to_head.of_motions(there.head_pose), head_poses(ANGLES, HEAD.pivot), atol=0.005
    )


def test_the_same_mesh_elsewhere_moves_as_it_does_here(folder: Path):
    """Motion in centimetres on a mesh with the same triangles, in metres and looking ahead."""
    run(folder, "here.npz", mesh=folder / "head.ply", motion=folder / "motion.npz")
    here = open_motion(folder / "here.npz")
    back = np.linalg.inv(KNOWN.turn)
    vertices = (here.mesh.vertices.numpy() - np.array([4.0, 5.0, 6.0])) @ back.T
    mesh = Mesh(torch.from_numpy(vertices).float(), here.mesh.faces)
    there = retargeted(here, face_of(mesh, "mesh", torch.from_numpy(_fitted(here, back)).float()))
    offsets = torch.cat(list(there.offsets())).numpy()
    expected = torch.cat(list(motion_chunks(here))).numpy() @ back.T
    assert np.abs(expected).max() > 0.005
    assert np.abs(offsets - expected).max() < 1e-6
    assert torch.allclose(there.head_pose, head_poses(ANGLES, HEAD.pivot), atol=0.005)


def _fitted(motion: SavedMotion, back: np.ndarray) -> np.ndarray:
    assert motion.template is not None
    return (motion.template.double().numpy() - (4.0, 5.0, 6.0)) @ back.T
