"""Feelings of speech that is still going on, frame by frame as speech's own motion comes."""

from torch import Tensor

from avatar.face.emotion.course import Expressed, express
from avatar.face.emotion.felt_face import FeltSpeech
from avatar.face.emotion.timeline import Feelings
from avatar.transfer.fitted_face import Face


class LiveFeelings:
    """No later than the speech that it is given: every frame follows from itself and those before.

    `names` and `basis` are of what comes after speech's own coefficients.
    """

    def __init__(self, face: Face, basis: Tensor, feelings: Feelings, fps: float) -> None:
        """basis [K, V, 3]: of the speech, on the mesh of the face, such as LiveMotion's model's."""
        self._feelings, self._fps, self._done = feelings, fps, 0
        self._mouth = FeltSpeech(face, basis, list(express(feelings, 0, fps).units), fps)
        self.names, self.basis = self._mouth.names, self._mouth.basis  # [A], [A, V, 3]

    def push(self, speech: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Speech's coefficients [f, K] of the next frames → those [f, K + A] of the mouth that
        feels, and the weights [f] of the units that are not the mouth's."""
        felt = express(self._feelings, len(speech), self._fps, self._done)
        self._done += len(speech)
        return self._mouth.frames(speech, felt), self._rest(felt)

    def beside(self, frames: int) -> dict[str, Tensor]:
        """The weights [F] of the units that are not the mouth's, from the first frame on."""
        return self._rest(express(self._feelings, frames, self._fps))

    def _rest(self, felt: Expressed) -> dict[str, Tensor]:
        return {n: w for n, w in felt.units.items() if n not in self._mouth.units.names}
