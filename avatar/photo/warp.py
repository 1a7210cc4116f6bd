"""Shift the skin of a fitted face to where its landmarks are seen.

What the modes of the shape space leave over is taken for a Gaussian process on the surface
(Rasmussen and Williams 2006, chapter 2): smooth, a few millimetres, and seen only across each view.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from avatar.heads.identity import PARTS
from avatar.tracking.equations import place
from avatar.tracking.landmarks import expected_pixels, landmark_model, visible_share
from avatar.tracking.model import FaceModel
from avatar.tracking.state import Moment, Person

MM = 1e-3
SPREADS = ((2.5 * MM, 30 * MM), (1.5 * MM, 10 * MM))  # deviation and reach of each of its parts
NOISE = 1.2 * MM  # of a landmark that is seen well
JAW = "jawOpen"
LEAST_SHARE = 0.15  # of visibility, for a landmark to count


def warped(
    model: FaceModel, person: Person, moments: Sequence[Moment], found: Sequence[Tensor]
) -> Tensor:
    """The person's vertices [V, 3] at rest, shifted after landmarks [478, 2] of each photo."""
    rest = model.rest(person.shape).double()
    told = [_told(model, person, *each) for each in zip(moments, found, strict=True)]
    points, axes, values, noise = (torch.cat(part) for part in zip(*told, strict=True))
    system = _covariance(points, points) * (axes @ axes.T) + torch.diag(noise**2)
    strength = torch.linalg.solve(system, values)
    opened = rest + model.head.unit(JAW)
    places = torch.cat([_where(model, rest), _where(model, opened)], 1)
    shift = _covariance(places, points) @ (strength[:, None] * axes)
    return (rest + shift).float()


def _told(
    model: FaceModel, person: Person, moment: Moment, found: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Points at rest and with an open jaw [O, 6], directions [O, 3] in head space, and by how much
    [O] metres a photo shows them further that way, with its deviation [O]."""
    landmarks = landmark_model(model)
    placed = place(landmarks.points, person, moment)
    share = visible_share(landmarks.normals, moment, placed)
    kept = (share > LEAST_SHARE).nonzero().squeeze(1)
    points = landmarks.points.of_person(person.shape).mean[kept].double()
    expected = expected_pixels(landmarks, person, moment, placed)
    off = (found[landmarks.index] - expected)[kept].double()
    gain = landmarks.person_gain[kept].double()
    metres = off * (placed.camera[kept, 2:].double() / person.focal / gain[:, None])
    axes = moment.rotation.double()[:2]  # camera x and y in head space
    each = NOISE / share[kept].double().sqrt() / gain
    jaw = landmarks.points.basis[kept, :, model.head.unit_names.index(JAW)].double()
    return (
        torch.cat([points, points + jaw], 1).repeat(2, 1),
        axes.repeat_interleave(len(kept), 0),
        metres.T.flatten(),
        each.repeat(2),
    )


def _covariance(one: Tensor, other: Tensor) -> Tensor:
    """Of places [N, 6] and [M, 6]: both lips touch at rest, but do not move together."""
    squared = torch.cdist(one, other) ** 2 / 2
    kernels = [size**2 * torch.exp(-squared / (2 * reach**2)) for size, reach in SPREADS]
    return sum(kernels[1:], kernels[0])


def _where(model: FaceModel, rest: Tensor) -> Tensor:
    """Where each vertex [V, 3] takes its shift from: what keeps its form, at its middle."""
    places = rest.clone()
    for part in PARTS:
        index = model.head.group_vertices(part)
        places[index] = rest[index].mean(0)
    return places
