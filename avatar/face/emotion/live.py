"""Feelings of speech that is still going on, frame by frame as speech's own motion comes."""

import torch
from torch import Tensor

from avatar.face.emotion.course import Expressed, express
from avatar.face.emotion.felt_face import FeltSpeech
from avatar.face.emotion.gates import AHEAD
from avatar.face.emotion.timeline import Feelings
from avatar.transfer.fitted_face import Face

Units = dict[str, Tensor]  # ARKit unit → weights


def lookahead(fps: float) -> int:
    """How many frames that come the gates look at."""
    return round(AHEAD * fps)


class LiveFeelings:
    """No later than the speech that it is given: every frame follows from itself and those before.

    `names` and `basis` are of what comes after speech's own coefficients.
    """

    def __init__(self, face: Face, basis: Tensor, feelings: Feelings, fps: float) -> None:
        """basis [K, V, 3]: of the speech, on the mesh of the face, such as LiveMotion's model's."""
        self._feelings, self._fps, self._done = feelings, fps, 0
        self._mouth = FeltSpeech(face, basis, list(express(feelings, 0, fps).units), fps)
        self.names, self.basis = self._mouth.names, self._mouth.basis  # [A], [A, V, 3]

    def push(self, speech: Tensor, ahead: Tensor | None = None) -> tuple[Tensor, Units]:
        """Speech's coefficients [f, K] of the next frames → those [f, K + A] of the mouth that
        feels, and the weights [f] of the units that are not the mouth's.

        ahead [a, K]: what is expected of the frames after them, as LiveMotion's `expected`; with
        it the gates close more gently.
        """
        coming = speech[:0] if ahead is None else ahead[: lookahead(self._fps)]
        count = len(speech)
        felt = express(self._feelings, count + len(coming), self._fps, self._done)
        self._done += count
        mouth = self._mouth.frames(torch.cat([speech, coming]), felt, len(coming))
        return mouth, {name: weight[:count] for name, weight in self._rest(felt).items()}

    def beside(self, frames: int) -> Units:
        """The weights [F] of the units that are not the mouth's, from the first frame on."""
        return self._rest(express(self._feelings, frames, self._fps))

    def _rest(self, felt: Expressed) -> Units:
        return {n: w for n, w in felt.units.items() if n not in self._mouth.units.names}
