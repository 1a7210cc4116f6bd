"""Feelings on one face while it speaks: speech's coefficients in, the whole mouth's out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.face.emotion.course import Expressed
from avatar.face.emotion.gates import (
    held_lip,
    open_share,
    reopened_slowly,
    spoken,
    wide_share,
)
from avatar.face.emotion.mouth import Lines, Mouth, added, moved
from avatar.face.emotion.sealed import held, sealed
from avatar.transfer.fitted_face import Face

MOVED = 1e-4  # metres at weight 1: what moves the mouth's points less is not on it
OPENS = 1e-3  # metres at weight 1, by which a unit that opens the mouth parts the lips
CLOSES = 8e-3  # metres at weight 1, by which one that takes an opening back does the opposite
WIDENS = 0.01  # of the width at rest, at weight 1
HOLD_NAMES = ("held_lip_left", "held_lip_up", "held_lip_forward")
LIDS = ("eyeWide", "eyeSquint")
"""How units begin that a blink overrides."""


@dataclass(frozen=True)
class MouthUnits:
    """The units of feelings that move the mouth, on one mesh."""

    names: tuple[str, ...]
    basis: Tensor  # [U, V, 3] in the mesh's own space and unit; what does not open is sealed
    lines: Lines  # of the basis
    opens: Tensor  # [U] whether a unit opens the mouth
    widens: Tensor  # [U] whether it widens it


def mouth_units(mouth: Mouth, wanted: Sequence[str]) -> MouthUnits:
    """Those of the wanted units that move the mouth of a face."""
    head = mouth.face.head
    units = torch.stack([head.unit(name) for name in wanted]) if wanted else head.units[:0]
    lines = mouth.lines(units)
    reach = torch.cat(
        [lines.parting.abs(), lines.corners.norm(dim=1)[:, None], lines.lip.norm(dim=2)], 1
    )
    there = reach.amax(1) > MOVED
    units, parting = units[there].float(), lines.parting[there]
    opens = (parting.amax(1) > OPENS) | (parting.amin(1) < -CLOSES)
    basis = torch.where(opens[:, None, None], units, sealed(units, mouth))
    lines = mouth.lines(basis)
    right, left = mouth.rest[mouth.corners]
    width = (left - right + lines.corners).norm(dim=1)
    names = tuple(name for name, here in zip(wanted, there.tolist(), strict=True) if here)
    return MouthUnits(names, basis, lines, opens, ~opens & (width > (1 + WIDENS) * mouth.width))


class FeltSpeech:
    """Speech as it comes, chunk by chunk, with what feelings add to it on the mouth."""

    def __init__(self, face: Face, basis: Tensor, wanted: Sequence[str], fps: float) -> None:
        """basis [K, V, 3]: of the speech, on the mesh of the face; wanted: units of feelings."""
        self.mouth, self.fps = Mouth(face), fps
        self.speech = self.mouth.lines(basis)
        self.units = mouth_units(self.mouth, wanted)
        self.names = (*(f"felt_{name}" for name in self.units.names), *HOLD_NAMES)
        self.basis = torch.cat(
            [self.units.basis, held(self.mouth)]
        )  # [U + 3, V, 3] of what feelings add
        self.added = self.mouth.lines(self.basis)
        self.before: dict[str, Tensor] = {}  # the last frame's shares

    def frames(self, speech: Tensor, felt: Expressed) -> Tensor:
        """Coefficients [f, K + U + 3] of speech's basis and of what feelings add, from speech's own
        [f, K] of the next f frames."""
        said = spoken(self.mouth, moved(speech, self.speech))
        louder = speech * (1 + (felt.speech - 1) * said.room)[:, None]
        weights = speech.new_zeros(len(speech), 0)
        if self.units.names:
            weights = torch.stack([felt.units[name] for name in self.units.names], 1)
        opens, widens = self.units.opens, self.units.widens
        rest, opening, widening = weights * ~(opens | widens), weights * opens, weights * widens
        lines = added(moved(louder, self.speech), moved(rest, self.units.lines))
        wide, open = (moved(part, self.units.lines) for part in (widening, opening))
        widening *= self._slowly("wide", wide_share(self.mouth, said, lines, wide, open))
        hold = held_lip(self.mouth, said, moved(rest + widening, self.units.lines))
        lines = added(lines, moved(torch.cat([widening, hold], 1), self.added))
        opening *= self._slowly("open", open_share(self.mouth, said, lines, open))
        return torch.cat([louder, rest + opening + widening, hold], 1)

    def _slowly(self, gate: str, share: Tensor) -> Tensor:
        """Shares [f, 1] that rise no faster than they may."""
        slow = reopened_slowly(share, self.before.get(gate), self.fps)
        if len(slow):
            self.before[gate] = slow[-1]
        return slow[:, None]
