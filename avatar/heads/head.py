"""One head topology: rest mesh, expression units, named regions."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import torch
from torch import Tensor

from common.errors import InputError

SHIPPED = ("anny-head",)
"""Topologies that come with the project."""

REGIONS = (
    "lips",
    "lip_inner_upper",
    "lip_inner_lower",
    "inner_mouth",
    "teeth",
    "tongue",
    "eyes",
    "eyelids",
    "upper_face",
    "scalp",
    "neck",
)


@dataclass(frozen=True)
class Head:
    """A head in head space (metres, +y up, +z out of the face, +x to the subject's left)."""

    topology: str
    vertices: Tensor  # [V, 3] neutral rest face, lips sealed
    faces: Tensor  # [M, 3] int64, counter-clockwise seen from outside
    units: Tensor  # [E, V, 3] vertex offsets of each expression unit at weight 1
    unit_names: tuple[str, ...]  # ARKit's names
    regions: Mapping[str, Tensor]  # name → [R] int64 vertex indices; lip_inner_* are paired
    face_groups: Tensor  # [M] int64 into group_names
    group_names: tuple[str, ...]  # body, tongue, upper-teeth, ...
    identities: Mapping[str, Tensor]  # name → [V, 3] offsets from `vertices`, lips sealed
    pose_weights: Tensor  # [V] in [0, 1]: how far a vertex follows the head's pose
    pivot: Tensor  # [3] the joint on which the head turns

    def unit(self, name: str) -> Tensor:
        """The offsets [V, 3] of one expression unit at weight 1."""
        return self.units[self.unit_names.index(name)]

    def express(self, weights: Mapping[str, float]) -> Tensor:
        """Offsets [V, 3] of a weighted sum of units."""
        total = torch.zeros_like(self.vertices)
        for name, weight in weights.items():
            total = total + weight * self.unit(name)
        return total

    def group_faces(self, *names: str) -> Tensor:
        """Indices [m] of the triangles of the named groups."""
        wanted = torch.tensor([self.group_names.index(name) for name in names])
        return torch.isin(self.face_groups, wanted).nonzero().squeeze(1)

    def group_vertices(self, *names: str) -> Tensor:
        """Indices [v] of the vertices of the named groups, ascending."""
        return self.faces[self.group_faces(*names)].unique()


def load_head(topology: str = "anny-head") -> Head:
    """Load a head that ships, by its topology's name. Raises InputError for any other name."""
    if topology not in SHIPPED:
        raise InputError(f"no head topology is called {topology!r}; known: {', '.join(SHIPPED)}")
    return _load_shipped(topology)


@cache
def _load_shipped(topology: str) -> Head:
    name = topology.replace("-", "_") + ".npz"
    with as_file(files("avatar.heads").joinpath("data", name)) as path, np.load(path) as data:
        arrays = {key: data[key] for key in data.files}
    return _head_from_arrays(topology, arrays)


def _head_from_arrays(topology: str, arrays: Mapping[str, np.ndarray]) -> Head:
    def floats(key: str) -> Tensor:
        return torch.from_numpy(arrays[key].astype(np.float32))

    def indices(key: str) -> Tensor:
        return torch.from_numpy(arrays[key].astype(np.int64))

    return Head(
        topology=topology,
        vertices=floats("vertices"),
        faces=indices("faces"),
        units=floats("units"),
        unit_names=tuple(arrays["unit_names"].tolist()),
        regions={name: indices(f"region_{name}") for name in REGIONS},
        face_groups=indices("face_groups"),
        group_names=tuple(arrays["group_names"].tolist()),
        identities={n: floats(f"identity_{n}") for n in arrays["identity_names"].tolist()},
        pose_weights=floats("pose_weights"),
        pivot=floats("pivot"),
    )
