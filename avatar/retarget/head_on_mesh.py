"""A complete head made of a mesh and the template that was fitted to it."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import Head
from avatar.retarget.correspondence import match_vertices
from avatar.retarget.operator import Transfer, transfer_onto
from avatar.retarget.registered_pair import PARTS, registered_pair

PAIRED = ("lip_inner_upper", "lip_inner_lower")


def head_on(head: Head, mesh: Mesh, fitted: Tensor, topology: str) -> tuple[Head, Transfer]:
    """anny-head's units, regions and joint, transferred to a mesh by its fitted template [S, 3];
    and what transferred them, as `transfer_to`."""
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
    made = Head(
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
    return made, transfer


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
