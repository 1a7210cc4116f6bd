"""The mouth under emotions: measurements at a few vertices, corrections of units, and the units of
emotions split into the parts that speech gates.

Measurements are in metres at the size of anny-head, in the axes of head space, whatever the mesh's
own are. Units [U, V, 3] and bases are in the mesh's own space and unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from avatar.heads import load_head
from avatar.retarget.fitted_face import Face

AROUND = 0.08  # metres from the middle of the mouth that corrections reach


@dataclass(frozen=True)
class Lines:
    """Motion of the measured points of a mouth in C directions of offsets."""

    parting: Tensor  # [C, P] change of the vertical gap at each pair of inner lip vertices
    corners: Tensor  # [C, 3] from the right corner of the lips to the left
    lip: Tensor  # [C, m, 3] of the middle of the lower lip


@dataclass(frozen=True)
class Mouth:
    """The measured points of the mouth of a face."""

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
        """Vertices [n] of the lower face, the only ones that corrections move."""
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
        """Distance of the corners at rest."""
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
        """Positions [t, 3], which never move; on a mesh without teeth those of anny-head's."""
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
    """The motion by weights [f, C] of directions in f frames."""
    weights = weights.to(lines.parting)
    lip = (weights @ lines.lip.flatten(1)).unflatten(1, lines.lip.shape[1:])
    return Lines(weights @ lines.parting, weights @ lines.corners, lip)


def added(a: Lines, b: Lines) -> Lines:
    return Lines(a.parting + b.parting, a.corners + b.corners, a.lip + b.lip)


REACH = 0.0045  # metres: falloff of a seal away from the line of the lips
HELD = 0.009  # metres: falloff of a hold around the middle of the lower lip
BESIDE = 0.012  # metres: falloff of `sideways` around the lips
ITERATIONS = 8  # pairs that share a vertex disturb each other a little


def sealed(units: Tensor, mouth: Mouth) -> Tensor:
    """Units that move both lips alike vertically; forwards and sideways each lip moves as it
    did."""
    follow, lower = _nearness(mouth)  # [n, P], [n]
    raises = torch.where(lower, 0.5, -0.5)[:, None] * follow  # [n, P]
    up = _up(mouth) / mouth.face.to_head.scale
    units = units.clone()
    for _ in range(ITERATIONS):
        height = raises @ mouth.lines(units).parting.T  # [n, U] metres
        units[:, mouth.around] += height.T[..., None] * up
    return units


def sideways(units: Tensor, mouth: Mouth) -> Tensor:
    """The sideways motion of the lips in units."""
    across = torch.from_numpy(mouth.face.to_head.rotation[0]).float()  # head space's x
    positions = mouth.rest[mouth.around]
    apart = torch.cdist(positions, mouth.rest[mouth.face.head.regions["lips"]]).amin(1)
    near = torch.exp(-0.5 * (apart / BESIDE).square())  # [n]
    found = torch.zeros_like(units)
    found[:, mouth.around] = (near * (units[:, mouth.around] @ across))[..., None] * across
    return found


def held(mouth: Mouth) -> Tensor:
    """[3, V, 3] shifts of the middle of both lips by a metre to the left, up and forward in head
    space, with a falloff around it."""
    line, positions = mouth.rest[mouth.lower_lip], mouth.rest[mouth.around]
    near = torch.exp(-0.5 * (torch.cdist(positions, line).amin(1) / HELD).square())
    to_head = mouth.face.to_head
    axes = torch.from_numpy(to_head.rotation / to_head.scale).float()  # rows: head space's axes
    found = torch.zeros(3, len(mouth.rest), 3)
    found[:, mouth.around] = near[None, :, None] * axes[:, None]
    return found


def _nearness(mouth: Mouth) -> tuple[Tensor, Tensor]:
    """[n, P] weights of each vertex around the mouth for a correction at each pair; [n] whether it
    is below the line of the lips: an opening jaw lowers it more than the lips there on average."""
    upper, lower = mouth.pairs
    line = (mouth.rest[upper] + mouth.rest[lower]) / 2  # [P, 3]
    positions = mouth.rest[mouth.around]
    apart = torch.cdist(positions[:, :1], line[:, :1])  # [n, P] across
    spacing = max(float(line[:, 0].sort().values.diff().mean()) / 2, 1e-6)
    weights = torch.softmax(-((apart / spacing) ** 2), dim=1)
    falls = torch.exp(-0.5 * ((positions - weights @ line) / REACH).square().sum(1))
    drop = -mouth.face.head.unit("jawOpen").float() @ _up(mouth)  # [V]
    below = drop[mouth.around] > weights @ ((drop[upper] + drop[lower]) / 2)
    at = torch.full((len(mouth.rest),), -1)
    at[mouth.around] = torch.arange(len(positions))
    weights[at[upper]] = weights[at[lower]] = torch.eye(len(line))
    falls[at[upper]] = falls[at[lower]] = 1.0
    below[at[upper]], below[at[lower]] = False, True
    return weights * falls[:, None], below


def _up(mouth: Mouth) -> Tensor:
    """Up [3] of head space, in the mesh's own space."""
    return torch.from_numpy(mouth.face.to_head.rotation[1]).float()


# Thresholds of a unit's motion at weight 1, in metres or, of WIDENS, in widths at rest.
MOVED = 1e-4  # units that move the measured points less do not move the mouth
OPENS, CLOSES = 2e-3, 8e-3  # gap by which a unit opens the mouth, or takes an opening back
WIDENS = 0.01  # growth of the width by which a unit widens the mouth
LARGE = 8e-3  # units that part the lips more, such as a jaw, are never sealed
KEPT = 0.55  # share of a widening unit's other motion that remains where nothing may widen
WIDENED = 0.1  # share of a widening that is used: rounding has to undo it
PARTED = 0.2  # share of a lip opening that is used: closures have to undo it


@dataclass(frozen=True)
class MouthUnits:
    """U units in A directions: the units themselves, sealed unless they open the mouth widely, then
    the gated parts of some: their widenings, then their openings."""

    names: tuple[str, ...]  # [U] of the units
    of: Tensor  # [A] the unit of each direction
    basis: Tensor  # [A, V, 3] in the mesh's own space and unit
    lines: Lines  # of the basis
    opens: Tensor  # [A] whether a direction opens the mouth
    widens: Tensor  # [A] whether it widens the mouth

    @property
    def directions(self) -> tuple[str, ...]:
        """Names [A] of the directions."""
        own = len(self.names)
        kinds = ["felt"] * own + ["widened" if w else "parted" for w in self.widens[own:].tolist()]
        units = (self.names[unit] for unit in self.of.tolist())
        return tuple(f"{kind}_{unit}" for kind, unit in zip(kinds, units, strict=True))


def mouth_units(mouth: Mouth, wanted: Sequence[str]) -> MouthUnits:
    """The wanted units that move the mouth of a face."""
    head = mouth.face.head
    units = torch.stack([head.unit(name).float() for name in wanted]) if wanted else head.units[:0]
    lines = mouth.lines(units)
    lengths = (lines.parting.abs(), lines.corners.norm(dim=1)[:, None], lines.lip.norm(dim=2))
    there = torch.cat(lengths, 1).amax(1) > MOVED  # [U]
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


def _width(mouth: Mouth, units: Tensor) -> Tensor:
    """[U] width at weight 1, relative to rest."""
    right, left = mouth.rest[mouth.corners]
    return (left - right + mouth.lines(units).corners).norm(dim=1) / mouth.width
