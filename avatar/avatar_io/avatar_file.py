"""Avatar files: one .ply that holds local Gaussians, their binding and the subject's rest mesh."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from avatar.heads.head import FLAME_SHAPES
from avatar.rigging.avatar import Avatar, check_mesh, check_template
from avatar.rigging.blendshapes import STEPS, Blendshapes, ExpressionSpace, in_bytes
from common.errors import InputError
from splat import SplatPly, read_ply, write_ply

VERSION = "1"
COMMENT = "voicesplat_avatar"
UNIT = "metre"
ORIGIN, CONSENT = "made_from", "consent"
UNLIT = "colours albedo"
FLAME_SHAPE, FLAME_OFFSET = "flame_shape", "flame_offset"
MANNER = "manner"
ANCHORS, POINTS, BLENDED = "expression_anchor", "expression_point", "expression_gaussian"
DIRECTIONS, RADIUS = "expression_direction", "expression_radius"
CHANGES, SIZES = "expression_change", "expression_size"
"""Of Gaussian blendshapes: changes in bytes, 128 for none, whose 127 steps have a size for each of
six values and each direction."""


def save_avatar(path: Path, avatar: Avatar) -> None:
    """Write an avatar; the file appears whole or not at all."""
    comments = (f"{COMMENT} {VERSION}", f"topology {avatar.topology}", f"unit {UNIT}")
    if avatar.unlit:
        comments += (UNLIT,)
    comments += provenance_comments(avatar)
    mesh = (avatar.vertices, avatar.faces)
    identity = {FLAME_SHAPE: avatar.flame_shape, FLAME_OFFSET: avatar.flame_offset}
    identity |= {MANNER: avatar.manner, **_blendshape_tables(avatar.blendshapes)}
    tables = {name: table for name, table in identity.items() if table is not None}
    ply = SplatPly(avatar.gaussians, avatar.binding, *mesh, comments, avatar.template, tables)
    write_ply(path, ply)


def provenance_comments(avatar: Avatar) -> tuple[str, ...]:
    """What a .ply says of where an avatar comes from, and of consent: as JSON, since comments are
    ASCII."""
    said = {ORIGIN: avatar.origin, CONSENT: avatar.consent and json.dumps(avatar.consent)}
    return tuple(f"{name} {words}" for name, words in said.items() if words)


def provenance_of(comments: Iterable[str]) -> tuple[str, str]:
    """Origin and consent that comments tell; empty where they do not."""
    fields = _fields(comments)
    consent = fields.get(CONSENT, "")
    with suppress(ValueError):
        consent = str(json.loads(consent))
    return fields.get(ORIGIN, ""), consent


def load_avatar(path: Path) -> Avatar:
    """Read and check an avatar file.

    Raises FileNotFoundError where there is none, InputError that names the broken rule otherwise.
    """
    ply, binding = read_bound(path)
    if ply.mesh_vertices is None or ply.mesh_faces is None:
        raise InputError(
            f"{path} holds bound Gaussians but no rest mesh (elements mesh_vertex and mesh_face); "
            "save it with its mesh"
        )
    triangles = len(ply.mesh_faces)
    highest = int(binding.max())
    if highest >= triangles:
        raise InputError(
            f"{path}: binding_0 names triangle {highest}, but its mesh has {triangles} triangles; "
            "the file is damaged or binding and mesh belong to different heads"
        )
    topology = _check_comments(path, ply.comments)
    check_mesh(path, topology, ply.mesh_vertices, ply.mesh_faces)
    check_template(path, ply.template_vertices)
    mesh = (ply.mesh_vertices, ply.mesh_faces)
    identity = _flame_identity(path, ply.tables, ply.mesh_vertices)
    origin, consent = provenance_of(ply.comments)
    rest = (topology, ply.template_vertices, *identity, origin)
    unlit, manner = UNLIT in ply.comments, ply.tables.get(MANNER)
    manner = manner if manner is not None and manner.dtype == torch.uint8 else None
    shapes = _blendshapes(path, ply.tables, len(ply.mesh_vertices), len(binding))
    return Avatar(ply.gaussians, binding, *mesh, *rest, unlit, manner, consent, shapes)


def read_bound(path: Path) -> tuple[SplatPly, Tensor]:
    """A .ply, and the triangles [N] that its Gaussians are bound to. Raises FileNotFoundError, or
    InputError where they are bound to none."""
    ply = read_ply(path)
    if ply.binding is None:
        raise InputError(
            f"{path} is a plain 3DGS file: its Gaussians have no binding_0 that ties them to a "
            "mesh; use an avatar that was built bound to a head"
        )
    return ply, ply.binding


def _fields(comments: Iterable[str]) -> dict[str, str]:
    """Comments by their first words."""
    return dict(comment.split(maxsplit=1) for comment in comments if " " in comment.strip())


def _check_comments(path: Path, comments: tuple[str, ...]) -> str:
    fields = _fields(comments)
    version, unit = fields.get(COMMENT), fields.get("unit")
    if version != VERSION:
        raise InputError(
            f"{path}: comment '{COMMENT} {VERSION}' is missing or names another version "
            f"({version}); save the avatar with this version of the project"
        )
    if unit != UNIT:
        raise InputError(f"{path}: comment 'unit {UNIT}' is missing (found {unit}); use metres")
    return fields.get("topology", "")


def _flame_identity(
    path: Path, tables: Mapping[str, Tensor], vertices: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    shape, offset = (tables.get(name) for name in (FLAME_SHAPE, FLAME_OFFSET))
    broken = shape is not None and shape.shape != (FLAME_SHAPES,)
    if broken or (offset is not None and offset.shape != vertices.shape):
        raise InputError(
            f"{path}: its elements {FLAME_SHAPE} and {FLAME_OFFSET} do not fit FLAME and its mesh; "
            "convert the avatar again with this version of the project"
        )
    return shape, offset


def _blendshape_tables(shapes: Blendshapes | None) -> dict[str, Tensor]:
    if shapes is None:
        return {}
    space, (steps, sizes) = shapes.space, in_bytes(shapes.changes)
    return {
        ANCHORS: space.anchors,
        POINTS: space.points,
        DIRECTIONS: space.directions.flatten(0, 1),
        RADIUS: space.radius[None],
        BLENDED: shapes.rows,
        SIZES: sizes.flatten(),
        CHANGES: steps.flatten(),
    }


class _Unfit(Exception):
    """Tables that do not fit each other, or their avatar."""


def _blendshapes(
    path: Path, tables: Mapping[str, Tensor], vertices: int, gaussians: int
) -> Blendshapes | None:
    if CHANGES not in tables:
        return None
    try:
        return _blendshapes_of(tables, vertices, gaussians)
    except (_Unfit, KeyError, RuntimeError):  # RuntimeError: of a table with another size
        raise InputError(
            f"{path}: its elements expression_* do not fit each other, its mesh and its Gaussians; "
            "make the avatar again with this version of the project"
        ) from None


def _blendshapes_of(tables: Mapping[str, Tensor], vertices: int, gaussians: int) -> Blendshapes:
    anchors, points = (_numbers(tables[name], vertices) for name in (ANCHORS, POINTS))
    rows, sizes = _numbers(tables[BLENDED], gaussians), tables[SIZES].view(6, -1)
    count, radius = sizes.shape[1], tables[RADIUS].view(())
    directions = tables[DIRECTIONS].view(count, len(points), 3)
    steps = tables[CHANGES].view(len(rows), 6, count).float() - (STEPS + 1)
    space = ExpressionSpace(anchors, points, directions, radius)
    return Blendshapes(space, rows, sizes * steps / STEPS)


def _numbers(table: Tensor, limit: int) -> Tensor:
    """A table [rows] of whole numbers below a limit."""
    numbers = table.long()
    if table.ndim != 1 or (numbers != table).any() or ((numbers < 0) | (numbers >= limit)).any():
        raise _Unfit
    return numbers
