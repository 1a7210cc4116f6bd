"""What a mouth does, read off a basis of offsets at a few points of the mesh: lengths in metres at
the size of anny-head, in the axes of head space, whatever the mesh's own are.

Corrections of a mouth: lips that stay together, that grow no wider, that are held.

Units are [U, V, 3] and bases too, in the mesh's own space and unit.

The units of feelings that move the mouth, taken apart by what speech may have against them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from avatar.heads import load_head
from avatar.retarget.fitted_face import Face

AROUND = 0.08  # metres from the middle of the mouth


@dataclass(frozen=True)
class Lines:
    """What C directions of offsets do to the points of a mouth."""

    parting: Tensor  # [C, P] how far they part the inner lips at each pair, upwards
    corners: Tensor  # [C, 3] from the right corner of the lips to the left
    lip: Tensor  # [C, m, 3] of the middle of the lower lip


@dataclass(frozen=True)
class Mouth:
    """The points of one face by which speech is seen."""

    face: Face

    @cached_property
    def pairs(self) -> tuple[Tensor, Tensor]:
        """Vertices [P] of the upper and of the lower inner lip, right to left."""
        regions = self.face.head.regions
        return regions["lip_inner_upper"], regions["lip_inner_lower"]

    @cached_property
    def rest(self) -> Tensor:
        """[V, 3] head space."""
        return self.face.to_head.of_tensor(self.face.mesh.vertices)

    @cached_property
    def around(self) -> Tensor:
        """Vertices [n] of the lower face; no correction of the mouth reaches beyond."""
        middle = self.rest[self.face.head.regions["lips"]].mean(0)
        return ((self.rest - middle).norm(dim=1) < AROUND).nonzero()[:, 0]

    @cached_property
    def corners(self) -> Tensor:
        """The two lip vertices [2] farthest to the sides: right, left."""
        lips = self.face.head.regions["lips"]
        across = self.rest[lips, 0]
        return lips[[int(across.argmin()), int(across.argmax())]]

    @cached_property
    def width(self) -> float:
        """Between the corners at rest."""
        right, left = self.rest[self.corners]
        return float((left - right).norm())

    @cached_property
    def lower_lip(self) -> Tensor:
        """Vertices [m] of the middle third of the lower inner lip."""
        lower = self.pairs[1]
        third = len(lower) // 3
        return lower[third : len(lower) - third]

    @cached_property
    def upper_teeth(self) -> Tensor:
        """Places [t, 3], which never move; on a mesh without teeth where anny-head's lie."""
        head, fitted = load_head(), self.face.fitted
        teeth = head.group_vertices("upper-teeth")
        if fitted is None:
            return self.rest[teeth]
        return self.face.to_head.of_tensor(fitted[teeth])

    @cached_property
    def teeth_at_rest(self) -> float:
        """Mean distance of the middle of the lower lip from the upper teeth."""
        return float(self.teeth_distance(self.rest[self.lower_lip]))

    def teeth_distance(self, lip: Tensor) -> Tensor:
        """Mean distance [..] from the upper teeth of the lower lip's middle [.., m, 3]."""
        return torch.cdist(lip, self.upper_teeth).amin(-1).mean(-1)

    def lines(self, basis: Tensor) -> Lines:
        """basis [C, V, 3] in the mesh's own space and unit."""
        turn = torch.from_numpy(self.face.to_head.scale * self.face.to_head.rotation.T).float()

        def at(points: Tensor) -> Tensor:
            return basis[:, points].float().cpu() @ turn

        upper, lower = self.pairs
        right, left = self.corners[:1], self.corners[1:]
        return Lines(
            parting=(at(upper) - at(lower))[..., 1],
            corners=(at(left) - at(right))[:, 0],
            lip=at(self.lower_lip),
        )


def moved(weights: Tensor, lines: Lines) -> Lines:
    """What weights [f, C] of directions do in f frames."""
    weights = weights.to(lines.parting)
    lip = (weights @ lines.lip.flatten(1)).unflatten(1, lines.lip.shape[1:])
    return Lines(weights @ lines.parting, weights @ lines.corners, lip)


def added(a: Lines, b: Lines) -> Lines:
    return Lines(a.parting + b.parting, a.corners + b.corners, a.lip + b.lip)


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


MOVED = 1e-4  # metres at weight 1: what moves the mouth's points less is not on it
OPENS = 2e-3  # metres at weight 1, by which a unit that opens the mouth parts the lips
CLOSES = 8e-3  # metres at weight 1, by which one that takes an opening back does the opposite
WIDENS = 0.01  # of the width at rest, at weight 1
LARGE = 8e-3  # metres at weight 1: what parts the lips more, such as a jaw, is never sealed
KEPT = 0.55  # of what a unit that widens does besides, where speech lets nothing widen
WIDENED = 0.1  # of a widening: rounding has to undo it, and lips that go in and out do not speak
PARTED = 0.2  # of what a unit that opens the mouth parts the lips: closures have to undo it


@dataclass(frozen=True)
class MouthUnits:
    """U units in A directions: each is sealed, but a large opening, and further directions are
    shares of what some do that speech may have to undo: of widenings, then of openings."""

    names: tuple[str, ...]  # [U] of the units
    of: Tensor  # [A] the unit of each direction
    basis: Tensor  # [A, V, 3] in the mesh's own space and unit
    lines: Lines  # of the basis
    opens: Tensor  # [A] whether a direction opens the mouth
    widens: Tensor  # [A] whether it is a widening

    @property
    def directions(self) -> tuple[str, ...]:
        """Names [A] that are no unit's own."""
        own = len(self.names)
        kinds = ["felt"] * own + ["widened" if w else "parted" for w in self.widens[own:].tolist()]
        units = (self.names[unit] for unit in self.of.tolist())
        return tuple(f"{kind}_{unit}" for kind, unit in zip(kinds, units, strict=True))


def mouth_units(mouth: Mouth, wanted: Sequence[str]) -> MouthUnits:
    """Those of the wanted units that move the mouth of a face."""
    head = mouth.face.head
    units = torch.stack([head.unit(name).float() for name in wanted]) if wanted else head.units[:0]
    there = _on_mouth(mouth.lines(units))
    names = tuple(name for name, here in zip(wanted, there.tolist(), strict=True) if here)
    units = units[there]
    parting = mouth.lines(units).parting
    opens = (parting.amax(1) > OPENS) | (parting.amin(1) < -CLOSES)
    whole = parting.abs().amax(1) > LARGE
    basis = torch.where(whole[:, None, None], PARTED * units, sealed(units, mouth))
    wide = (_width(mouth, basis) > 1 + WIDENS).nonzero()[:, 0]
    apart = (opens & ~whole).nonzero()[:, 0]
    parted = PARTED * (units - basis)[apart]
    kept = KEPT * (basis[wide] - sideways(basis[wide], mouth))
    widened = WIDENED * (basis[wide] - kept)
    basis[wide] = kept
    basis = torch.cat([basis, widened, parted])
    own, row = len(units), torch.arange(len(basis))
    is_widened = (row >= own) & (row < own + len(wide))
    is_parted = row >= own + len(wide)
    return MouthUnits(
        names=names,
        of=torch.cat([row[:own], wide, apart]),
        basis=basis,
        lines=mouth.lines(basis),
        opens=torch.cat([opens & whole, is_parted[own:]]),
        widens=is_widened,
    )


def _on_mouth(lines: Lines) -> Tensor:
    """[U] whether units move the points of the mouth."""
    corners, lip = lines.corners.norm(dim=1)[:, None], lines.lip.norm(dim=2)
    return torch.cat([lines.parting.abs(), corners, lip], 1).amax(1) > MOVED


def _width(mouth: Mouth, units: Tensor) -> Tensor:
    """[U] of rest's, at weight 1."""
    right, left = mouth.rest[mouth.corners]
    return (left - right + mouth.lines(units).corners).norm(dim=1) / mouth.width
