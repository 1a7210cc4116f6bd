"""Feelings on one face while it speaks: speech's coefficients in, the whole mouth's out."""

from collections.abc import Sequence

import torch
from torch import Tensor

from avatar.face.emotion.corrections import held
from avatar.face.emotion.course import Expressed
from avatar.face.emotion.gates import (
    held_lip,
    open_share,
    reopened_slowly,
    spoken,
    wide_share,
)
from avatar.face.emotion.mouth import Mouth, added, moved
from avatar.face.emotion.mouth_units import mouth_units
from avatar.transfer.fitted_face import Face

HOLD_NAMES = ("held_lip_left", "held_lip_up", "held_lip_forward")
LIDS = ("eyeWide", "eyeSquint")
"""How units begin that a blink overrides."""


class FeltSpeech:
    """Speech as it comes, chunk by chunk, with what feelings add to it on the mouth."""

    def __init__(self, face: Face, basis: Tensor, wanted: Sequence[str], fps: float) -> None:
        """basis [K, V, 3]: of the speech, on the mesh of the face; wanted: units of feelings."""
        self.mouth, self.fps = Mouth(face), fps
        self.speech = self.mouth.lines(basis)
        self.units = mouth_units(self.mouth, wanted)
        self.names = (*self.units.directions, *HOLD_NAMES)
        self.basis = torch.cat([self.units.basis, held(self.mouth)])  # [A + 3, V, 3]
        self.added = self.mouth.lines(self.basis)
        self.before: dict[str, Tensor] = {}  # the last frame's shares

    def frames(self, speech: Tensor, felt: Expressed) -> Tensor:
        """Coefficients [f, K + A + 3] of speech's basis and of what feelings add, from speech's own
        [f, K] of the next f frames."""
        said = spoken(self.mouth, moved(speech, self.speech))
        louder = speech * (1 + (felt.speech - 1) * said.room)[:, None]
        asked = [felt.units[name] for name in self.units.names] or [speech.new_zeros(len(speech))]
        weights = torch.stack(asked, 1)[:, self.units.of]
        opens, widens = self.units.opens, self.units.widens
        rest, opening, widening = weights * ~(opens | widens), weights * opens, weights * widens
        lines = added(moved(louder, self.speech), moved(rest, self.units.lines))
        wide, open = (moved(part, self.units.lines) for part in (widening, opening))
        widening *= self._slowly("wide", wide_share(self.mouth, said, lines, wide, open))
        felt_lines = moved(rest + widening, self.units.lines)
        hold = held_lip(self.mouth, said, added(moved(louder, self.speech), felt_lines), felt_lines)
        lines = added(lines, moved(torch.cat([widening, hold], 1), self.added))
        opening *= self._slowly("open", open_share(self.mouth, said, lines, open))
        return torch.cat([louder, rest + opening + widening, hold], 1)

    def _slowly(self, gate: str, share: Tensor) -> Tensor:
        """Shares [f, 1] that rise no faster than they may."""
        slow = reopened_slowly(share, self.before.get(gate), self.fps)
        if len(slow):
            self.before[gate] = slow[-1]
        return slow[:, None]
