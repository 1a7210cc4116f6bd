"""Feelings over time: how strong each unit is in every frame.

Feelings on one face while it speaks: speech's coefficients in, the whole mouth's out.

Feelings of speech that is still going on, frame by frame as speech's own motion comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from avatar.behaviour.emotion_gates import held_lip, open_share, reopened_slowly, spoken, wide_share
from avatar.behaviour.emotion_mouth import Mouth, added, held, mouth_units, moved
from avatar.behaviour.emotion_presets import EmotionStyle, Envelope
from avatar.behaviour.emotion_timeline import EmotionSegment, EmotionTimeline
from avatar.retarget.fitted_face import Face

MOMENTS = 1000  # of a recording at which feelings are averaged
SETTLING = 0.8  # seconds in which an apex falls to what stays


@dataclass(frozen=True)
class Expressed:
    """What feelings ask of a face in F frames, before speech has its say."""

    units: dict[str, Tensor]  # ARKit unit → [F] weights in [0, 1]
    speech: Tensor  # [F] how far the mouth moves in speech


def express(feelings: EmotionTimeline, frames: int, fps: float, first: int = 0) -> Expressed:
    """The frames from `first` on. Where feelings overlap their units add up, to 1 at most."""
    seconds = (torch.arange(first, first + frames, dtype=torch.float64) + 0.5) / fps
    units: dict[str, Tensor] = {}
    speech = torch.ones(frames, dtype=torch.float64)
    for felt in feelings:
        level = felt.strength * presence(felt, seconds)
        speech += (felt.emotion.speech - 1) * level
        for unit, weight in felt.emotion.units.items():
            units[unit] = units.get(unit, 0) + weight * level
    return Expressed({n: w.clamp(0, 1).float() for n, w in units.items()}, speech.float())


def presence(felt: EmotionSegment, seconds: Tensor) -> Tensor:
    """[F] in [0, 1] how present a feeling is at some times: onset, apex, what stays, offset.

    A feeling that a recording begins with is there from its first frame on.
    """
    course = felt.emotion.course
    onset = _rise(seconds - felt.start, course.onset) if felt.start > 0 else torch.ones(())
    settles = _rise(seconds - _apex_end(felt, course), SETTLING)
    offset = _rise(seconds - felt.end, course.offset)
    return onset * (1 - (1 - course.settled) * settles) * (1 - offset)


def _apex_end(felt: EmotionSegment, course: Envelope) -> float:
    return felt.start + (course.onset if felt.start > 0 else 0.0) + course.apex


def _rise(seconds: Tensor, duration: float) -> Tensor:
    """From 0 to 1 with zero slope at both ends."""
    t = (seconds / duration).clamp(0, 1)
    return t * t * (3 - 2 * t)


def mean_emotion_style(feelings: EmotionTimeline, seconds: float) -> EmotionStyle:
    """The ratios of feelings over the time in which they are felt, on average over a recording."""
    steps = torch.linspace(0, seconds, MOMENTS, dtype=torch.float64)
    shares = [float(felt.strength * presence(felt, steps).mean()) for felt in feelings]

    def ratio(name: str) -> float:
        manners = (felt.emotion.manner for felt in feelings)
        parts = (w * (getattr(m, name) - 1) for w, m in zip(shares, manners, strict=True))
        return max(0.0, 1 + sum(parts))

    return EmotionStyle(*(ratio(field.name) for field in fields(EmotionStyle)))


HOLD_NAMES = ("held_lip_left", "held_lip_up", "held_lip_forward")
LIDS = ("eyeWide", "eyeSquint")
"""How units begin that a blink overrides."""


class EmotionalSpeech:
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


class LiveEmotion:
    """No later than the speech that it is given: every frame follows from itself and those before.

    `names` and `basis` are of what comes after speech's own coefficients.
    """

    def __init__(self, face: Face, basis: Tensor, feelings: EmotionTimeline, fps: float) -> None:
        """basis [K, V, 3]: of the speech, on the mesh of the face, such as LiveMotion's model's."""
        self._feelings, self._fps, self._done = feelings, fps, 0
        self._mouth = EmotionalSpeech(face, basis, list(express(feelings, 0, fps).units), fps)
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
