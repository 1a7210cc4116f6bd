"""The tracked meshes of a capture that names the vertices of every timestep."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from avatar.heads.topologies import TOPOLOGIES
from avatar.rig.avatar import check_mesh
from common.arrays import pick, pick_faces, pick_floats, read_arrays
from common.errors import InputError
from common.progress import progress_bar

CANONICAL = "canonical_mesh.npz"


@dataclass(frozen=True)
class TrackedMeshes:
    """One mesh at rest and at every timestep."""

    topology: str
    rest: Tensor  # [V, 3] metres, head space
    faces: Tensor  # [M, 3] int64
    vertices: Tensor  # [T, V, 3] metres, world space


def read_vertex_meshes(folder: Path, paths: Sequence[Path]) -> TrackedMeshes:
    """canonical_mesh.npz (rest, faces, topology) and the `vertices` [V, 3] of every timestep.

    Raises FileNotFoundError or InputError that names the file and the broken rule.
    """
    topology, rest, faces = _read_canonical(folder / CANONICAL)
    vertices = torch.empty(len(paths), *rest.shape)
    with progress_bar("tracked meshes", len(paths), "meshes/s") as done:
        for row, path in enumerate(paths):
            vertices[row] = _timestep(path, rest)
            done()
    return TrackedMeshes(topology, rest, faces, vertices)


def _read_canonical(path: Path) -> tuple[str, Tensor, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no such file; a capture with vertices needs it for the rest mesh "
            "(rest, faces, topology)"
        )
    arrays = read_arrays(path)
    topology = str(pick(path, arrays, "topology"))
    if topology not in TOPOLOGIES:
        known = ", ".join(TOPOLOGIES)
        raise InputError(f"{path}: no head topology is called {topology!r}; known: {known}")
    rest = torch.from_numpy(pick_floats(path, arrays, "rest", (3,)))
    faces = torch.from_numpy(pick_faces(path, arrays, len(rest)))
    check_mesh(path, topology, rest, faces)
    return topology, rest, faces


def _timestep(path: Path, rest: Tensor) -> Tensor:
    vertices = torch.from_numpy(pick_floats(path, read_arrays(path), "vertices", (3,)))
    if len(vertices) != len(rest):
        raise InputError(
            f"{path}: has {len(vertices)} vertices, but the rest mesh has {len(rest)}; track every "
            "timestep with the same mesh"
        )
    return vertices
