"""Avatars and weights that cannot be used are told in one sentence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audio2mesh import load_model
from audio2mesh.model.checkpoint import save_model
from avatar.rigging.avatar import Avatar
from splat import SplatPly, read_ply, write_ply


def test_no_such_avatar(refuses, tmp_path: Path):
    refuses("gone.ply", "no such file", avatar=tmp_path / "gone.ply")


def test_a_text_file_as_avatar(refuses, tmp_path: Path):
    path = tmp_path / "notes.ply"
    path.write_text("Dear diary,\n")
    refuses("notes.ply", avatar=path)


def test_a_folder_as_avatar(refuses, tmp_path: Path):
    refuses(str(tmp_path), avatar=tmp_path)


def test_a_truncated_avatar(refuses, avatar_file: Path):
    avatar_file.write_bytes(avatar_file.read_bytes()[:-5000])
    refuses("subject.ply")


def test_a_3dgs_file_without_binding(refuses, avatar_file: Path):
    write_ply(avatar_file, replace(read_ply(avatar_file), binding=None))
    refuses("subject.ply", "binding_0")


def test_binding_out_of_range(refuses, avatar_file: Path):
    ply = read_ply(avatar_file)
    assert ply.binding is not None
    write_ply(avatar_file, replace(ply, binding=ply.binding + 10_000))
    refuses("subject.ply", "binding_0", "9728 triangles")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(refuses, avatar_file: Path, small_avatar: Avatar, value: float):
    spoiled = np.float32(small_avatar.gaussians.means[7, 0]).tobytes()
    data = avatar_file.read_bytes()
    assert spoiled in data
    avatar_file.write_bytes(data.replace(spoiled, np.float32(value).tobytes(), 1))
    refuses("subject.ply", "finite")


def test_zero_gaussians(refuses, avatar_file: Path):
    ply = read_ply(avatar_file)
    count = len(ply.gaussians.means)
    head, _, _ = avatar_file.read_bytes().partition(b"end_header\n")
    head = head.replace(f"element vertex {count}".encode(), b"element vertex 0")
    avatar_file.write_bytes(head + b"end_header\n")
    refuses("subject.ply")


def test_a_face_list_that_disagrees_with_the_vertices(refuses, avatar_file: Path):
    head, mark, body = avatar_file.read_bytes().partition(b"end_header\n")
    count = b"element mesh_vertex 5000"
    assert count in head
    shorter = body[: len(body) - 12 * 100]
    head = head.replace(count, b"element mesh_vertex 4900")
    avatar_file.write_bytes(head + mark + shorter)
    refuses("subject.ply")


def test_another_topology_in_the_avatar(refuses, avatar_file: Path):
    ply = read_ply(avatar_file)
    assert ply.mesh_vertices is not None
    extra = torch.cat([ply.mesh_vertices, torch.zeros(3, 3)])
    parts = (ply.gaussians, ply.binding, extra, ply.mesh_faces, ply.comments)
    write_ply(avatar_file, SplatPly(*parts))
    refuses("subject.ply", "5003")


def test_no_such_weights(refuses, tmp_path: Path):
    refuses("gone.safetensors", "no such file", weights=tmp_path / "gone.safetensors")


def test_weights_that_are_none(refuses, tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"\x80\x04not a checkpoint")
    refuses("weights.safetensors", weights=path)


def test_weights_of_another_topology(refuses, tmp_path: Path):
    model = load_model(device=torch.device("cpu"))
    model.topology = "squirrel"
    path = tmp_path / "squirrel.safetensors"
    save_model(model, path, {})
    refuses("squirrel", "anny-head", weights=path)
