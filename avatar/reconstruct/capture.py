"""A capture in memory, without its pictures, and its tracked meshes, from the vertices or FLAME's
parameters of every timestep.

canonical_flame_param.npz and one file per timestep hold shape, expr, rotation, neck_pose,
jaw_pose, eyes_pose and translation, and may hold static_offset and dynamic_offset, as VHAP writes
them (vhap/export_as_nerf_dataset.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from avatar.heads.flame_model import (
    FlameModel,
    FlameParameters,
    flame_vertices,
    load_flame,
    neutral,
)
from avatar.heads.flame_regions import add_teeth
from avatar.heads.head import FLAME, FLAME_TEETH, SIZES, TOPOLOGIES
from avatar.rigging.avatar import check_mesh
from common.arrays import Arrays, pick, pick_faces, pick_floats, read_arrays
from common.errors import InputError
from common.progress import progress_bar
from splat import Camera

SPLITS = ("train", "val", "test")
"""Views to learn from; held-out cameras; held-out sequences."""


@dataclass(frozen=True, slots=True)
class View:
    """One picture, with its camera and timestep."""

    camera: Camera  # world to camera, OpenCV axes, pixels
    image: Path
    mask: Path | None  # white where the subject is
    timestep: int  # row of `Capture.vertices`
    camera_id: str
    labels: Path | None = None  # per pixel 0 none, 1 skin, 2 hair, 3 eyes, 4 mouth
    sequence: str | None = None  # what the subject does, where the capture says so


@dataclass(frozen=True)
class Capture:
    """A tracked capture of one head."""

    topology: str  # one of avatar.heads.head.TOPOLOGIES
    rest: Tensor  # [V, 3] the subject's rest mesh, metres, head space
    faces: Tensor  # [M, 3] int64
    vertices: Tensor  # [T, V, 3] the tracked mesh of every timestep, world space, metres
    splits: Mapping[str, tuple[View, ...]]  # by the names of SPLITS


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


FLAME_CANONICAL = "canonical_flame_param.npz"
LENGTHS = {
    "shape": 300,
    "expr": 100,
    "rotation": 3,
    "neck_pose": 3,
    "jaw_pose": 3,
    "eyes_pose": 6,
    "translation": 3,
}
TRUNCATED = ("shape", "expr")  # trackers may fit only the first of these
OFFSETS = ("static_offset", "dynamic_offset")
BATCH = 32  # timesteps that are posed at a time

Parameters = Mapping[str, Tensor]


def read_flame_meshes(folder: Path, paths: Sequence[Path], flame: Path | None) -> TrackedMeshes:
    """FLAME posed for every timestep, with GaussianAvatars' teeth unless the offsets lack them.

    The rest mesh is the person's neutral head with the mouth shut, where the canonical file opens
    it. Raises FileNotFoundError or InputError that names the file and the broken rule.
    """
    if flame is None:
        raise InputError(
            f"{folder}: is tracked with FLAME, whose model may not be shipped: register at "
            "flame.is.tue.mpg.de and name your generic_model.pkl or flame2023.pkl with --flame"
        )
    if not (folder / FLAME_CANONICAL).is_file():
        raise FileNotFoundError(
            f"{folder / FLAME_CANONICAL}: there is no such file; a capture with FLAME "
            "parameters needs it for the person's shape"
        )
    first = _read(paths[0], None)
    vertices = next((len(first[name]) for name in OFFSETS if name in first), SIZES[FLAME_TEETH][0])
    model = load_flame(flame)
    model = add_teeth(model) if vertices == SIZES[FLAME_TEETH][0] else model
    canonical = _read(folder / FLAME_CANONICAL, vertices)
    rest = flame_vertices(
        model, neutral(shape=canonical["shape"], static_offset=canonical.get("static_offset"))
    )
    posed = torch.empty(len(paths), *rest.shape)
    with progress_bar("tracked meshes", len(paths), "meshes/s") as show:
        for start in range(0, len(paths), BATCH):
            timesteps = [_read(path, vertices) for path in paths[start : start + BATCH]]
            posed[start : start + BATCH] = _posed(model, timesteps)
            show(start + len(timesteps))
    return TrackedMeshes(model.topology, rest, model.faces, posed)


def _read(path: Path, vertices: int | None) -> Parameters:
    """The parameters of one timestep; offsets [V, 3] of `vertices`, or any of FLAME's if None."""
    arrays = read_arrays(path)
    found = {name: _vector(path, arrays, name) for name in LENGTHS}
    for name in OFFSETS:
        if name in arrays:
            found[name] = torch.from_numpy(pick_floats(path, arrays, name, (3,)))
            _check_count(path, name, len(found[name]), vertices)
    return found


def _vector(path: Path, arrays: Arrays, name: str) -> Tensor:
    values, length = torch.from_numpy(pick_floats(path, arrays, name)), LENGTHS[name]
    if len(values) > length or (len(values) < length and name not in TRUNCATED):
        raise InputError(f"{path}: {name!r} has {len(values)} numbers, but FLAME takes {length}")
    return functional.pad(values, (0, length - len(values)))


def _check_count(path: Path, name: str, found: int, wanted: int | None) -> None:
    known = (SIZES[FLAME][0], SIZES[FLAME_TEETH][0])
    if found not in known:
        raise InputError(
            f"{path}: {name!r} is for {found} vertices, but FLAME has {known[0]}, or {known[1]} "
            "with teeth"
        )
    if wanted is not None and found != wanted:
        raise InputError(
            f"{path}: {name!r} is for {found} vertices, but the first timestep has {wanted}; track "
            "every timestep with the same mesh"
        )


def _posed(model: FlameModel, timesteps: Sequence[Parameters]) -> Tensor:  # [T, V, 3]
    def stacked(name: str) -> Tensor:
        return torch.stack([timestep[name] for timestep in timesteps])

    def offsets(name: str) -> Tensor | None:
        if not any(name in timestep for timestep in timesteps):
            return None
        zero = torch.zeros_like(model.template)
        return torch.stack([timestep.get(name, zero) for timestep in timesteps])

    return flame_vertices(
        model,
        FlameParameters(
            shape=stacked("shape"),
            expression=stacked("expr"),
            rotation=stacked("rotation"),
            neck=stacked("neck_pose"),
            jaw=stacked("jaw_pose"),
            eyes=stacked("eyes_pose"),
            translation=stacked("translation"),
            static_offset=offsets("static_offset"),
            dynamic_offset=offsets("dynamic_offset"),
        ),
    )
