"""A capture in memory, without its pictures, and its tracked meshes, from the vertices or FLAME's
parameters of every timestep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from avatar.heads.flame_model import FlameParameters, flame_vertices, load_flame, neutral
from avatar.heads.flame_parameters import read_flame_parameters
from avatar.heads.flame_regions import add_teeth
from avatar.heads.head import FLAME_TEETH, SIZES
from avatar.rigging.avatar import check_mesh
from common.arrays import pick, pick_faces, pick_floats, read_arrays
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
    splits: Mapping[str, tuple[View, ...]] = field(default_factory=dict)  # by the names of SPLITS


CANONICAL = "canonical_mesh.npz"


def read_vertex_meshes(folder: Path, paths: Sequence[Path]) -> Capture:
    """canonical_mesh.npz (rest, faces, topology) and the `vertices` [V, 3] of every timestep: a
    capture without views.

    Raises FileNotFoundError or InputError that names the file and the broken rule.
    """
    topology, rest, faces = _read_canonical(folder / CANONICAL)
    vertices = torch.empty(len(paths), *rest.shape)
    with progress_bar("tracked meshes", len(paths), "meshes/s") as done:
        for row, path in enumerate(paths):
            vertices[row] = _timestep(path, rest)
            done()
    return Capture(topology, rest, faces, vertices)


def _read_canonical(path: Path) -> tuple[str, Tensor, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no such file; a capture with vertices needs it for the rest mesh "
            "(rest, faces, topology)"
        )
    arrays = read_arrays(path)
    topology = str(pick(path, arrays, "topology"))
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


def read_flame_meshes(folder: Path, paths: Sequence[Path], flame: Path | None) -> Capture:
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
    vertices = _offset_size(read_flame_parameters(paths[0])) or SIZES[FLAME_TEETH][0]
    model = load_flame(flame)
    model = add_teeth(model) if vertices == SIZES[FLAME_TEETH][0] else model
    person = _one_frame(folder / FLAME_CANONICAL, vertices)
    rest = flame_vertices(model, neutral(shape=person.shape, static_offset=person.static_offset))
    posed = torch.empty(len(paths), *rest.shape)
    with progress_bar("tracked meshes", len(paths), "meshes/s") as done:
        for row, path in enumerate(paths):
            posed[row] = flame_vertices(model, _one_frame(path, vertices))[0]
            done()
    return Capture(model.topology, rest, model.faces, posed)


def _offset_size(parameters: FlameParameters) -> int | None:
    """For how many vertices there are offsets; None where there are none."""
    offsets = (parameters.static_offset, parameters.dynamic_offset)
    return next((offset.shape[-2] for offset in offsets if offset is not None), None)


def _one_frame(path: Path, vertices: int) -> FlameParameters:
    """The parameters of one timestep, with offsets of `vertices`."""
    parameters = read_flame_parameters(path)
    if len(parameters.expression) != 1:
        raise InputError(f"{path}: holds {len(parameters.expression)} frames; one file holds one")
    for name in ("static_offset", "dynamic_offset"):
        offset = getattr(parameters, name)
        if offset is not None and offset.shape[-2] != vertices:
            raise InputError(
                f"{path}: {name!r} is for {offset.shape[-2]} vertices, but the first timestep has "
                f"{vertices}; track every timestep with the same mesh"
            )
    return parameters
