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
    follow, lower = _nearness(mouth)  # [n, P], [n]
    raises = torch.where(lower, 0.5, -0.5)[:, None] * follow  # [n, P]
    up = _up(mouth) / mouth.face.to_head.scale
    units = units.clone()
    for _ in range(ROUNDS):
        height = raises @ mouth.lines(units).parting.T  # [n, U] metres
        units[:, mouth.around] += height.T[..., None] * up
    return units


def sideways(units: Tensor, mouth: Mouth) -> Tensor:
    """What units do to the lips from side to side."""
    across = torch.from_numpy(mouth.face.to_head.rotation[0]).float()  # head space's x
    places = mouth.rest[mouth.around]
    apart = torch.cdist(places, mouth.rest[mouth.face.head.regions["lips"]]).amin(1)
    near = torch.exp(-0.5 * (apart / BESIDE).square())  # [n]
    found = torch.zeros_like(units)
    found[:, mouth.around] = (near * (units[:, mouth.around] @ across))[..., None] * across
    return found


def held(mouth: Mouth) -> Tensor:
    """[3, V, 3] the middle of both lips moved a metre to the left, up and forward in head space;
    what is near follows."""
    line, places = mouth.rest[mouth.lower_lip], mouth.rest[mouth.around]
    near = torch.exp(-0.5 * (torch.cdist(places, line).amin(1) / HELD).square())
    place = mouth.face.to_head
    axes = torch.from_numpy(place.rotation / place.scale).float()  # rows: head space's axes
    found = torch.zeros(3, len(mouth.rest), 3)
    found[:, mouth.around] = near[None, :, None] * axes[:, None]
    return found


def _nearness(mouth: Mouth) -> tuple[Tensor, Tensor]:
    """[n, P] how much each vertex around the mouth takes of what is asked at each pair; [n] whether
    it lies below the line of the lips: whether an opening jaw lowers it more than the lips there
    on average."""
    upper, lower = mouth.pairs
    line = (mouth.rest[upper] + mouth.rest[lower]) / 2  # [P, 3]
    places = mouth.rest[mouth.around]
    apart = torch.cdist(places[:, :1], line[:, :1])  # [n, P] across
    weights = torch.softmax(-((apart / _spacing(line)) ** 2), dim=1)
    falls = torch.exp(-0.5 * ((places - weights @ line) / REACH).square().sum(1))
    drop = -mouth.face.head.unit("jawOpen").float() @ _up(mouth)  # [V]
    below = drop[mouth.around] > weights @ ((drop[upper] + drop[lower]) / 2)
    at = torch.full((len(mouth.rest),), -1)
    at[mouth.around] = torch.arange(len(places))
    weights[at[upper]] = weights[at[lower]] = torch.eye(len(line))
    falls[at[upper]] = falls[at[lower]] = 1.0
    below[at[upper]], below[at[lower]] = False, True
    return weights * falls[:, None], below


def _spacing(line: Tensor) -> float:
    """Half the mean distance of neighbours along the line [P, 3]."""
    across = line[:, 0].sort().values
    return max(float(across.diff().mean()) / 2, 1e-6)


def _up(mouth: Mouth) -> Tensor:
    """The direction in the mesh's own space [3] that is up in head space."""
    return torch.from_numpy(mouth.face.to_head.rotation[1]).float()
