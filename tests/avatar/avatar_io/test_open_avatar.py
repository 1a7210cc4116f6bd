"""What a file holds decides how it is opened."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from flame_files import write_flame
from gaussian_avatar_files import write_trained

from avatar.avatar_io.open_avatar import avatar_kind, open_avatar
from avatar.rigging.avatar import Avatar
from splat import SplatPly, read_ply, write_ply

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"


def ascii_ply(path: Path, elements: str) -> Path:
    path.write_text(f"ply\nformat ascii 1.0\n{elements}end_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
    return path


POINTS = "element vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
FACES = "element face 1\nproperty list uchar int vertex_indices\n"


def test_our_own_file(avatar_file: Path, small_avatar: Avatar):
    assert avatar_kind(avatar_file) == "own"
    opened = open_avatar(avatar_file)
    assert opened.topology == "anny-head"
    assert torch.equal(opened.vertices, small_avatar.vertices)


def test_a_file_of_gaussian_avatars(tmp_path: Path):
    flame, points = write_flame(tmp_path), write_trained(tmp_path)
    assert avatar_kind(points) == avatar_kind(tmp_path) == "gaussian-avatars"
    opened = open_avatar(points, flame)
    assert (opened.topology, len(opened.vertices)) == ("flame-teeth", 5143)
    assert torch.equal(open_avatar(tmp_path, flame).vertices, opened.vertices)


def test_gaussian_avatars_without_flame(tmp_path: Path):
    points = write_trained(tmp_path)
    with pytest.raises(ValueError, match=r"point_cloud\.ply.*--flame"):
        open_avatar(points)


def test_meshes(tmp_path: Path):
    wavefront = tmp_path / "head.obj"
    wavefront.write_text(TRIANGLE)
    binary = tmp_path / "head.glb"
    binary.write_bytes(b"glTF\2\0\0\0")
    mesh = ascii_ply(tmp_path / "head.ply", POINTS + FACES)
    assert [avatar_kind(path) for path in (wavefront, binary, mesh)] == ["scan"] * 3


def test_plain_gaussians_are_refused_by_name(avatar_file: Path):
    ply = read_ply(avatar_file)
    write_ply(avatar_file, replace(ply, binding=None))
    with pytest.raises(ValueError, match=r"subject\.ply is a plain 3DGS file.*binding_0"):
        open_avatar(avatar_file)
    write_ply(avatar_file, SplatPly(ply.gaussians))
    with pytest.raises(ValueError, match=r"subject\.ply is a plain 3DGS file.*binding_0"):
        open_avatar(avatar_file)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.ply", b"Dear diary,\n", "is no avatar"),
        ("scan.fbx", b"Kaydara FBX Binary", "is no avatar"),
        ("empty.glb", b"", "is no avatar"),
        ("cloud.ply", f"ply\nformat ascii 1.0\n{POINTS}end_header\n".encode(), "holds points"),
        ("damaged.ply", b"ply\nformat\n", "holds points"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: bytes, said: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=said) as caught:
        open_avatar(tmp_path / name)
    assert name in str(caught.value)
    assert ".glb" in str(caught.value)


def test_a_folder_without_an_avatar_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="is a folder"):
        open_avatar(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"gone\.ply"):
        open_avatar(tmp_path / "gone.ply")


def test_landmarks_are_for_meshes(avatar_file: Path, tmp_path: Path):
    with pytest.raises(ValueError, match=r"--landmarks.*subject\.ply is no mesh"):
        open_avatar(avatar_file, landmarks=tmp_path / "points.json")


def test_a_mesh_that_is_no_head_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    corners = "".join(f"v {x:.4f} {y:.4f} {z:.4f}\n" for x, y, z in rng.normal(size=(300, 3)))
    faces = "".join("f {} {} {}\n".format(*rng.choice(300, 3, False) + 1) for _ in range(600))
    path = tmp_path / "tangle.obj"
    path.write_text(corners + faces)
    with pytest.raises(ValueError, match=r"tangle\.obj"):
        open_avatar(path)
