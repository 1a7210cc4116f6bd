"""Avatar files: one .ply that holds local Gaussians, their binding and the subject's rest mesh."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from avatar.heads.head import SHIPPED, load_head
from splat import RawGaussians, SplatPly, read_ply, write_ply

VERSION = "1"
COMMENT = "voicesplat_avatar"
UNIT = "metre"
ANY_MESH = "mesh"
FLAME, FLAME_TEETH = "flame", "flame-teeth"
SIZES = {FLAME: (5023, 9976), FLAME_TEETH: (5143, 10144)}
"""Vertices and triangles of the topologies whose face list only their owner may hand out."""
FLAME_SHAPES = 300
FLAME_SHAPE, FLAME_OFFSET = "flame_shape", "flame_offset"
TOPOLOGIES = (*SHIPPED, *SIZES, ANY_MESH)


@dataclass(frozen=True)
class Avatar:
    """A subject: Gaussians in the frames of the triangles of a rest mesh."""

    gaussians: RawGaussians  # [N] local to their triangles, sizes relative to the triangle's
    binding: Tensor  # [N] int64 triangle indices
    vertices: Tensor  # [V, 3] rest mesh, metres, head space
    faces: Tensor  # [M, 3] int64
    topology: str  # one of TOPOLOGIES
    template: Tensor | None = None  # [S, 3] anny-head's vertices laid onto the rest mesh
    flame_shape: Tensor | None = None  # [300] of FLAME's topologies, where it is known
    flame_offset: Tensor | None = None  # [V, 3] metres from FLAME of that shape to the rest mesh


def save_avatar(path: Path, avatar: Avatar) -> None:
    """Write an avatar; the file appears whole or not at all."""
    comments = (f"{COMMENT} {VERSION}", f"topology {avatar.topology}", f"unit {UNIT}")
    mesh = (avatar.vertices, avatar.faces)
    identity = {FLAME_SHAPE: avatar.flame_shape, FLAME_OFFSET: avatar.flame_offset}
    tables = {name: table for name, table in identity.items() if table is not None}
    ply = SplatPly(avatar.gaussians, avatar.binding, *mesh, comments, avatar.template, tables)
    write_ply(path, ply)


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
    check_mesh(path, topology, ply.mesh_vertices, ply.mesh_faces)
    _check_template(path, ply.template_vertices)
    mesh = (ply.mesh_vertices, ply.mesh_faces)
    identity = _flame_identity(path, ply.tables, ply.mesh_vertices)
    return Avatar(ply.gaussians, ply.binding, *mesh, topology, ply.template_vertices, *identity)


def _check_comments(path: Path, comments: tuple[str, ...]) -> str:
    fields = dict(comment.split(maxsplit=1) for comment in comments if " " in comment.strip())
    version, unit = fields.get(COMMENT), fields.get("unit")
    if version != VERSION:
        raise ValueError(
            f"{path}: comment '{COMMENT} {VERSION}' is missing or names another version "
            f"({version}); save the avatar with this version of the project"
        )
    if unit != UNIT:
        raise ValueError(f"{path}: comment 'unit {UNIT}' is missing (found {unit}); use metres")
    topology = fields.get("topology", "")
    if topology not in TOPOLOGIES:
        raise ValueError(
            f"{path}: comment 'topology': no head topology is called {topology!r}; known: "
            f"{', '.join(TOPOLOGIES)}"
        )
    return topology


def check_mesh(path: Path, topology: str, vertices: Tensor, faces: Tensor) -> None:
    if topology == ANY_MESH:
        return
    head = load_head(topology) if topology in SHIPPED else None
    size = (len(head.vertices), len(head.faces)) if head else SIZES[topology]
    if (len(vertices), len(faces)) != size:
        raise ValueError(
            f"{path} says topology {topology}, which has {size[0]} vertices and {size[1]} "
            f"triangles, but its mesh has {len(vertices)} and {len(faces)}; save it with the right "
            "topology"
        )
    if head is not None and not torch.equal(faces, head.faces):
        raise ValueError(
            f"{path}: the face list of its mesh is not that of topology {topology}, so motion "
            "would tear it; save it with the topology's own faces"
        )


def _flame_identity(
    path: Path, tables: Mapping[str, Tensor], vertices: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    shape, offset = (tables.get(name) for name in (FLAME_SHAPE, FLAME_OFFSET))
    broken = shape is not None and shape.shape != (FLAME_SHAPES,)
    if broken or (offset is not None and offset.shape != vertices.shape):
        raise ValueError(
            f"{path}: its elements {FLAME_SHAPE} and {FLAME_OFFSET} do not fit FLAME and its mesh; "
            "convert the avatar again with this version of the project"
        )
    return shape, offset


def _check_template(path: Path, template: Tensor | None) -> None:
    expected = len(load_head().vertices)
    if template is not None and len(template) != expected:
        raise ValueError(
            f"{path}: its template has {len(template)} vertices, but anny-head has {expected}; "
            "convert the avatar again with this version of the project"
        )
