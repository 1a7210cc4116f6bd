"""Lips of any topology as a few curves."""

import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion

_SMALLEST = 2e-4  # metres: directions that move less than this are not amplified further
_NEIGHBOURS = 4
_SEALED = 5e-4  # metres


def lip_directions(offsets: Tensor, count: int = 12) -> Tensor:
    """Principal directions [K, n, 3] of lip offsets [F, n, 3] about rest, in 1 / metre.

    The product with offsets gives curves of about RMS 1 (fewer for directions under 0.2 mm).
    """
    _, sizes, directions = torch.linalg.svd(offsets.flatten(1).double(), full_matrices=False)
    count = min(count, len(sizes))
    vertices = offsets.shape[1]
    rms = (sizes[:count].square() / (len(offsets) * vertices)).sqrt()  # metres, per vertex
    scaled = directions[:count] / (rms.clamp_min(_SMALLEST)[:, None] * vertices**0.5)
    return scaled.float().unflatten(1, (-1, 3))


def lip_offsets(motion: Motion, face: FaceGeometry) -> tuple[Tensor, Tensor]:
    """Rest [n, 3] and offsets [F, n, 3] in metres of the lip vertices that lie apart."""
    chosen = face.lips[apart(face.rest[face.lips])]
    return face.rest[chosen], motion.offsets(chosen)


def lip_curves(motion: Motion, directions: Tensor, transfer: Tensor, face: FaceGeometry) -> Tensor:
    """Curves [.., F, K] of a motion; `transfer` is that of the face's topology."""
    lips = torch.einsum("nm,kmc->knc", transfer, motion.basis[:, face.lips].to(transfer))
    change = lips.flatten(1) @ directions.flatten(1).T  # [motion's K, K]
    return motion.coefficients @ change.to(motion.coefficients)


def apart(points: Tensor) -> Tensor:
    """Indices of the points [n, 3] with no other within half a millimetre.

    Where the lips are sealed a vertex of the upper lip lies on one of the lower, and only the place
    cannot tell them apart. If all are so, all are returned.
    """
    near = torch.cdist(points, points) < _SEALED
    alone = (near.sum(1) == 1).nonzero().squeeze(1)
    return alone if len(alone) else torch.arange(len(points), device=points.device)


def lip_transfer(lips_rest: Tensor, face: FaceGeometry) -> Tensor:
    """Matrix [n, m] from a face's m lip vertices to the n at `lips_rest`, in their scale.

    Mouths are laid over one another by centre and width; a vertex takes the mean of its four
    nearest that lie apart, weighted by inverse square distance: all of the vertex itself, for the
    same topology.
    """
    lips = face.rest[face.lips].to(lips_rest)
    free = apart(lips)
    own, other = lips_rest, lips[free]
    scale = _width(own) / _width(other)
    distance = torch.cdist(own - _centre(own), (other - _centre(other)) * scale)
    nearest, index = distance.topk(min(_NEIGHBOURS, len(other)), largest=False)
    weight = 1 / (nearest.square() + 1e-14)
    weight = weight / weight.sum(1, keepdim=True) * scale
    return own.new_zeros(len(own), len(lips)).scatter(1, free[index], weight)


def _centre(points: Tensor) -> Tensor:
    return (points.amax(0) + points.amin(0)) / 2


def _width(points: Tensor) -> Tensor:
    return points[:, 0].amax() - points[:, 0].amin()
