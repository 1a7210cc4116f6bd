"""Corrections of a mouth: lips that stay together, that grow no wider, that are held.

Units are [U, V, 3] and bases too, in the mesh's own space and unit."""

import torch
from torch import Tensor

from avatar.face.emotion.mouth import Mouth

REACH = 0.0045  # metres over which a seal fades away from the line of the lips
HELD = 0.009  # metres over which lips follow the middle of the lower one
BESIDE = 0.012  # metres beside the lips over which they may widen after all
ROUNDS = 8  # where pairs share a vertex, what meets one of them moves the other a little


def sealed(units: Tensor, mouth: Mouth) -> Tensor:
    """Units that move both lips alike along their line in height; forwards and sideways each lip
    goes its own way."""
    follow, lower = _nearness(mouth)  # [V, P], [V]
    raises = torch.where(lower, 0.5, -0.5)[:, None] * follow  # [V, P]
    up = _up(mouth) / mouth.face.to_head.scale
    for _ in range(ROUNDS):
        height = raises @ mouth.lines(units).parting.T  # [V, U] metres
        units = units + height.T[..., None] * up
    return units


def sideways(units: Tensor, mouth: Mouth) -> Tensor:
    """What units do to the lips from side to side."""
    place = mouth.face.to_head
    across = torch.from_numpy(place.rotation[0]).float()  # head space's x
    apart = torch.cdist(mouth.rest, mouth.rest[mouth.face.head.regions["lips"]]).amin(1)
    near = torch.exp(-0.5 * (apart / BESIDE).square())  # [V]
    return (near * (units @ across))[..., None] * across


def held(mouth: Mouth) -> Tensor:
    """[3, V, 3] the middle of both lips moved a metre to the left, up and forward in head space;
    what is near follows."""
    line = mouth.rest[mouth.lower_lip]
    near = torch.exp(-0.5 * (torch.cdist(mouth.rest, line).amin(1) / HELD).square())
    place = mouth.face.to_head
    axes = torch.from_numpy(place.rotation / place.scale).float()  # rows: head space's axes
    return near[None, :, None] * axes[:, None]


def _nearness(mouth: Mouth) -> tuple[Tensor, Tensor]:
    """[V, P] how much each vertex takes of what is asked at each pair; [V] whether it lies below
    the line of the lips: whether an opening jaw lowers it more than the lips there on average."""
    upper, lower = mouth.pairs
    line = (mouth.rest[upper] + mouth.rest[lower]) / 2  # [P, 3]
    apart = torch.cdist(mouth.rest[:, :1], line[:, :1])  # [V, P] across
    weights = torch.softmax(-((apart / _spacing(line)) ** 2), dim=1)
    nearest = weights @ line
    falls = torch.exp(-0.5 * ((mouth.rest - nearest) / REACH).square().sum(1))
    drop = -mouth.face.head.unit("jawOpen").float() @ _up(mouth)
    between = weights @ ((drop[upper] + drop[lower]) / 2)
    below = drop > between
    weights[upper] = weights[lower] = torch.eye(len(line))
    falls[upper] = falls[lower] = 1.0
    below[upper], below[lower] = False, True
    return weights * falls[:, None], below


def _spacing(line: Tensor) -> float:
    """Half the mean distance of neighbours along the line [P, 3]."""
    across = line[:, 0].sort().values
    return max(float(across.diff().mean()) / 2, 1e-6)


def _up(mouth: Mouth) -> Tensor:
    """The direction in the mesh's own space [3] that is up in head space."""
    return torch.from_numpy(mouth.face.to_head.rotation[1]).float()
