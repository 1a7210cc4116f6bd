"""The units of feelings that move the mouth, taken apart by what speech may have against them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.face.emotion.corrections import sealed, sideways
from avatar.face.emotion.mouth import Lines, Mouth

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
