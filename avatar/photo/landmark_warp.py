"""What the shape modes leave of the landmarks' residuals, as a shift of the surface.

It is a Gaussian process (Rasmussen and Williams 2006, chapter 2): smooth, a few millimetres,
observed only across each view.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from avatar.geometry.vectors import MM
from avatar.heads.shape_space import PARTS
from avatar.tracking.landmarks import expected_pixels, landmark_model, visible_share
from avatar.tracking.model import FaceModel, FrameState, Person
from avatar.tracking.residuals import place

SPREADS = ((2.5 * MM, 30 * MM), (1.5 * MM, 10 * MM))  # deviation and reach of each of its parts
NOISE = 1.2 * MM  # of a landmark that is seen well
JAW = "jawOpen"
LEAST_SHARE = 0.15  # of visibility, for a landmark to count


def warped(
    model: FaceModel, person: Person, frames: Sequence[FrameState], found: Sequence[Tensor]
) -> Tensor:
    """The person's vertices [V, 3] at rest, shifted after landmarks [478, 2] of each photo."""
    rest = model.rest(person.shape).double()
    residuals = [landmark_shifts(model, person, *each) for each in zip(frames, found, strict=True)]
    points, axes, values, noise = (torch.cat(part) for part in zip(*residuals, strict=True))
    system = _covariance(points, points) * (axes @ axes.T) + torch.diag(noise**2)
    strength = torch.linalg.solve(system, values)
    opened = rest + model.head.unit(JAW)
    positions = torch.cat([_shift_positions(model, rest), _shift_positions(model, opened)], 1)
    shift = _covariance(positions, points) @ (strength[:, None] * axes)
    return (rest + shift).float()


def landmark_shifts(
    model: FaceModel, person: Person, frame: FrameState, found: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Points at rest and with an open jaw [O, 6], directions [O, 3] in head space, and how far [O]
    in metres a photo shows them along these, with the standard deviation [O]."""
    landmarks = landmark_model(model)
    placed = place(landmarks.points, person, frame)
    share = visible_share(landmarks.normals, frame, placed)
    kept = (share > LEAST_SHARE).nonzero().squeeze(1)
    points = landmarks.points.of_person(person.shape).mean[kept].double()
    expected = expected_pixels(landmarks, person, frame, placed)
    off = (found[landmarks.index] - expected)[kept].double()
    gain = landmarks.person_gain[kept].double()
    metres = off * (placed.camera[kept, 2:].double() / person.focal / gain[:, None])
    axes = frame.rotation.double()[:2]  # camera x and y in head space
    each = NOISE / share[kept].double().sqrt() / gain
    jaw = landmarks.points.basis[kept, :, model.head.unit_names.index(JAW)].double()
    return (
        torch.cat([points, points + jaw], 1).repeat(2, 1),
        axes.repeat_interleave(len(kept), 0),
        metres.T.flatten(),
        each.repeat(2),
    )


def _covariance(one: Tensor, other: Tensor) -> Tensor:
    """Covariance [N, M] of points at rest and with an open jaw, [N, 6] and [M, 6]: both lips touch
    at rest, but do not move together."""
    squared = torch.cdist(one, other) ** 2 / 2
    kernels = [size**2 * torch.exp(-squared / (2 * reach**2)) for size, reach in SPREADS]
    return sum(kernels[1:], kernels[0])


def _shift_positions(model: FaceModel, rest: Tensor) -> Tensor:
    """Positions [V, 3] where vertices take their shift: rigid parts all at their middle."""
    positions = rest.clone()
    for part in PARTS:
        index = model.head.group_vertices(part)
        positions[index] = rest[index].mean(0)
    return positions
