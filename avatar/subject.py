"""Avatar files: one .ply that holds local Gaussians, their binding and the subject's rest mesh."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from avatar.heads.head import Topology, load_head
from splat import RawGaussians, SplatPly, read_ply, write_ply

VERSION = "1"
COMMENT = "voicesplat_avatar"
UNIT = "metre"


@dataclass(frozen=True)
class Avatar:
    """A subject: Gaussians in the frames of the triangles of a rest mesh."""

    gaussians: RawGaussians  # [N] local to their triangles, sizes relative to the triangle's
    binding: Tensor  # [N] int64 triangle indices
    vertices: Tensor  # [V, 3] rest mesh, metres, head space
    faces: Tensor  # [M, 3] int64
    topology: Topology


def save_avatar(path: Path, avatar: Avatar) -> None:
    """Write an avatar; the file appears whole or not at all."""
    comments = (f"{COMMENT} {VERSION}", f"topology {avatar.topology}", f"unit {UNIT}")
    write_ply(
        path,
        SplatPly(avatar.gaussians, avatar.binding, avatar.vertices, avatar.faces, comments),
    )


def load_avatar(path: Path) -> Avatar:
    """Read and check an avatar file.

    Raises FileNotFoundError where there is none, ValueError that names the broken rule otherwise.
    """
    ply = read_ply(path)
    if ply.binding is None:
        raise ValueError(
            f"{path} is a plain 3DGS file: its Gaussians have no binding_0 that ties them to a "
            "mesh; use an avatar that was built bound to a head"
        )
    if ply.mesh_vertices is None or ply.mesh_faces is None:
        raise ValueError(
            f"{path} holds bound Gaussians but no rest mesh (elements mesh_vertex and mesh_face); "
            "save it with its mesh"
        )
    triangles = len(ply.mesh_faces)
    highest = int(ply.binding.max())
    if highest >= triangles:
        raise ValueError(
            f"{path}: binding_0 names triangle {highest}, but its mesh has {triangles} triangles; "
            "the file is damaged or binding and mesh belong to different heads"
        )
    topology = _check_comments(path, ply.comments)
    _check_mesh(path, topology, ply.mesh_vertices, ply.mesh_faces)
    return Avatar(ply.gaussians, ply.binding, ply.mesh_vertices, ply.mesh_faces, topology)


def _check_comments(path: Path, comments: tuple[str, ...]) -> Topology:
    fields = dict(comment.split(maxsplit=1) for comment in comments if " " in comment.strip())
    version, unit = fields.get(COMMENT), fields.get("unit")
    if version != VERSION:
        raise ValueError(
            f"{path}: comment '{COMMENT} {VERSION}' is missing or names another version "
            f"({version}); save the avatar with this version of the project"
        )
    if unit != UNIT:
        raise ValueError(f"{path}: comment 'unit {UNIT}' is missing (found {unit}); use metres")
    try:
        return load_head(fields.get("topology", "")).topology
    except ValueError as error:
        raise ValueError(f"{path}: comment 'topology': {error}") from None


def _check_mesh(path: Path, topology: Topology, vertices: Tensor, faces: Tensor) -> None:
    head = load_head(topology)
    if len(vertices) != len(head.vertices):
        raise ValueError(
            f"{path} says topology {topology}, which has {len(head.vertices)} vertices, but its "
            f"mesh has {len(vertices)}; save it with the right topology"
        )
    if not torch.equal(faces, head.faces):
        raise ValueError(
            f"{path}: the face list of its mesh is not that of topology {topology}, so motion "
            "would tear it; save it with the topology's own faces"
        )
