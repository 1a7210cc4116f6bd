"""Emotions on a speaking face: unit weights over time, and coefficients of the emotional mouth from
those of speech, for whole recordings and for speech that is still arriving."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from avatar.behaviour.emotion_gates import (
    held_lip,
    open_share,
    reopened_slowly,
    smoothstep,
    spoken,
    wide_share,
)
from avatar.behaviour.emotion_mouth import Mouth, added, held, mouth_units, moved
from avatar.behaviour.emotion_presets import EmotionStyle
from avatar.behaviour.emotion_timeline import EmotionSegment, EmotionTimeline
from avatar.retarget.fitted_face import Face

SAMPLES = 1000  # of a recording, over which emotions are averaged
DECAY_SECONDS = 0.8  # from the apex to the sustained level


@dataclass(frozen=True)
class Expressed:
    """What emotions add to a face in F frames, before the speech gates."""

    units: dict[str, Tensor]  # ARKit unit → [F] weights in [0, 1]
    speech: Tensor  # [F] gain of speech motion


def express(emotions: EmotionTimeline, frames: int, fps: float, first: int = 0) -> Expressed:
    """The frames from `first` on. Units of overlapping emotions add up, to 1 at most."""
    seconds = (torch.arange(first, first + frames, dtype=torch.float64) + 0.5) / fps
    units: dict[str, Tensor] = {}
    speech = torch.ones(frames, dtype=torch.float64)
    for segment in emotions:
        level = segment.strength * presence(segment, seconds)
        speech += (segment.emotion.speech - 1) * level
        for unit, weight in segment.emotion.units.items():
            units[unit] = units.get(unit, 0) + weight * level
    return Expressed({n: w.clamp(0, 1).float() for n, w in units.items()}, speech.float())


def presence(segment: EmotionSegment, seconds: Tensor) -> Tensor:
    """[F] in [0, 1] the envelope at some times: onset, apex, sustain, offset.

    An emotion that starts with the recording has no onset.
    """
    envelope = segment.emotion.envelope
    since, onset, apex = seconds - segment.start, torch.ones(()), envelope.apex
    if segment.start > 0:
        onset, apex = smoothstep(since / envelope.onset), envelope.onset + envelope.apex
    decay = smoothstep((since - apex) / DECAY_SECONDS)
    offset = smoothstep((seconds - segment.end) / envelope.offset)
    return onset * (1 - (1 - envelope.settled) * decay) * (1 - offset)


def mean_emotion_style(emotions: EmotionTimeline, seconds: float) -> EmotionStyle:
    """The style ratios of the emotions, averaged over a recording."""
    steps = torch.linspace(0, seconds, SAMPLES, dtype=torch.float64)
    shares = [float(segment.strength * presence(segment, steps).mean()) for segment in emotions]

    def ratio(name: str) -> float:
        styles = (segment.emotion.style for segment in emotions)
        parts = (w * (getattr(m, name) - 1) for w, m in zip(shares, styles, strict=True))
        return max(0.0, 1 + sum(parts))

    return EmotionStyle(*(ratio(field.name) for field in fields(EmotionStyle)))


HOLD_NAMES = ("held_lip_left", "held_lip_up", "held_lip_forward")
LIDS = ("eyeWide", "eyeSquint")
"""Prefixes of the units that a blink overrides."""


class EmotionalSpeech:
    """Speech, chunk by chunk, with what emotions add to the mouth."""

    def __init__(self, face: Face, basis: Tensor, wanted: Sequence[str], fps: float) -> None:
        """basis [K, V, 3]: of speech, on the mesh of the face; wanted: units of the emotions."""
        self.mouth, self.fps = Mouth(face), fps
        self.speech = self.mouth.lines(basis)
        self.units = mouth_units(self.mouth, wanted)
        self.names = (*self.units.directions, *HOLD_NAMES)
        self.basis = torch.cat([self.units.basis, held(self.mouth)])  # [A + 3, V, 3]
        self.added = self.mouth.lines(self.basis)
        self.before: dict[str, Tensor] = {}  # the last frame's shares

    def frames(self, speech: Tensor, expressed: Expressed) -> Tensor:
        """Coefficients [f, K + A + 3] of speech and of what emotions add, from those [f, K] of
        speech in the next f frames."""
        said = spoken(self.mouth, moved(speech, self.speech))
        louder = speech * (1 + (expressed.speech - 1) * said.slack)[:, None]
        given = [expressed.units[name] for name in self.units.names]
        weights = torch.stack(given or [speech.new_zeros(len(speech))], 1)[:, self.units.of]
        opens, widens = self.units.opens, self.units.widens
        rest, opening, widening = weights * ~(opens | widens), weights * opens, weights * widens
        lines = added(moved(louder, self.speech), moved(rest, self.units.lines))
        wide, open = (moved(part, self.units.lines) for part in (widening, opening))
        widening *= self._slowly("wide", wide_share(self.mouth, said, lines, wide, open))
        asked = moved(rest + widening, self.units.lines)
        hold = held_lip(self.mouth, said, added(moved(louder, self.speech), asked), asked)
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
    """Causal and without delay. `names` and `basis` describe the coefficients after speech's."""

    def __init__(self, face: Face, basis: Tensor, emotions: EmotionTimeline, fps: float) -> None:
        """basis [K, V, 3]: of the speech, on the mesh of the face, such as LiveMotion's model's."""
        self._emotions, self._fps, self._done = emotions, fps, 0
        self._mouth = EmotionalSpeech(face, basis, list(express(emotions, 0, fps).units), fps)
        self.names, self.basis = self._mouth.names, self._mouth.basis  # [A], [A, V, 3]

    def push(self, speech: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Speech's coefficients [f, K] of the next frames → those [f, K + A] of the emotional
        mouth, and the weights [f] of the other units."""
        expressed = express(self._emotions, len(speech), self._fps, self._done)
        self._done += len(speech)
        return self._mouth.frames(speech, expressed), self._rest(expressed)

    def beside(self, frames: int) -> dict[str, Tensor]:
        """The weights [F] of the units off the mouth, from the first frame on."""
        return self._rest(express(self._emotions, frames, self._fps))

    def _rest(self, expressed: Expressed) -> dict[str, Tensor]:
        return {n: w for n, w in expressed.units.items() if n not in self._mouth.units.names}
