"""Emotions on a speaking face: unit weights over time, and coefficients of the emotional mouth from
those of speech, for whole recordings and for speech that is still arriving.

Gates limit how far an emotion moves a speaking mouth. It must not undo what speech alone does: shut
lips, the lower lip at the upper teeth, a rounded mouth. The gates are measured on vertices of the
avatar's own mesh, so they hold on every topology; they depend on the speech of the same frame and
close as fast as it does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from avatar.behaviour.emotion_mouth import Lines, Mouth, added, held, mouth_units, moved
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


# Gaps are in widths of the mouth at rest.
SHUT = 0.01  # smaller gaps are invisible
OPENED = 0.085  # from this gap on an emotion is free to open the mouth
SLACK = 0.25  # that an emotion may then add to the gap
OVERLAP = 0.008  # by which lips may press into each other
PARTED = 0.03  # from this gap on lips at the teeth are not shut lips
# Distances of the lower lip from the upper teeth are in those at rest.
CONTACT, APART = 0.63, 0.9  # held at the teeth, and free
TEETH_SLACK = 2.0  # that an emotion may then add
WITHIN, HALVINGS = 0.002, 4  # of the limit, and steps in which that is found
# Widths are in those at rest.
ROUND, UNROUNDED, ROUNDEST = 0.95, 1.0, 0.945  # rounded, free, upper limit while rounded
WIDTH_SLACK = 0.4  # that an emotion may then add
REOPENS = 6.0  # a second, at most: a gate opens more slowly than it closes


@dataclass(frozen=True)
class Spoken:
    """The mouth in f frames of speech alone; slack is 0 where an emotion must not undo it."""

    gap: Tensor  # [f] the widest, metres
    width: Tensor  # [f] relative to rest
    teeth: Tensor  # [f] distance of lower lip and upper teeth, relative to rest
    open_slack: Tensor  # [f] in [0, 1]
    round_slack: Tensor  # [f]
    teeth_slack: Tensor  # [f]

    @property
    def slack(self) -> Tensor:
        """[f] the smallest of the three."""
        return torch.minimum(self.open_slack, torch.minimum(self.round_slack, self.teeth_slack))


def spoken(mouth: Mouth, speech: Lines) -> Spoken:
    """speech: of f frames."""
    gap = speech.parting.amax(1).clamp(min=0)
    right, left = mouth.rest[mouth.corners]
    width = (left - right + speech.corners).norm(dim=1) / mouth.width
    teeth = mouth.teeth_distance(mouth.rest[mouth.lower_lip] + speech.lip) / mouth.teeth_at_rest
    relative = gap / mouth.width
    return Spoken(
        *(gap, width, teeth),
        open_slack=smoothstep((relative - SHUT) / (OPENED - SHUT)),
        round_slack=smoothstep((width - ROUND) / (UNROUNDED - ROUND)),
        teeth_slack=smoothstep((teeth - CONTACT) / (APART - CONTACT)),
    )


def held_lip(mouth: Mouth, said: Spoken, lines: Lines, emotion: Lines) -> Tensor:
    """[f, 3] the smallest correction of the middle of the lips that returns the lower lip to the
    upper teeth where speech holds it there; lines: of all ungated motion, emotion: of emotions
    alone."""
    parted = smoothstep((said.gap / mouth.width - SHUT) / (PARTED - SHUT))
    lip, back = mouth.rest[mouth.lower_lip] + lines.lip, emotion.lip.mean(1)
    limit = _farthest(said) + WITHIN

    def distance(share: Tensor) -> Tensor:  # [f] with that share [f] of the emotion taken back
        moved = lip - share[:, None, None] * back[:, None]
        return mouth.teeth_distance(moved) / mouth.teeth_at_rest

    there, without = distance(torch.zeros_like(parted)), distance(torch.ones_like(parted))
    low = 1 - _share(limit - without, there - without)
    high = torch.ones_like(low)
    for _ in range(HALVINGS):  # the lip may pass the teeth on its way: what lies between is farther
        middle = (low + high) / 2
        late, enough = distance(low) > limit, distance(middle) <= limit
        low, high = (
            torch.where(late & ~enough, middle, low),
            torch.where(late & enough, middle, high),
        )
    share = torch.where(distance(low) > limit, high, low)
    return -(share * parted)[:, None] * back


def wide_share(mouth: Mouth, said: Spoken, lines: Lines, widening: Lines, opening: Lines) -> Tensor:
    """[f] in [0, 1] the share of `widening` that keeps the corners within their limit, with and
    without `opening`. lines: of all other motion, f frames."""
    shut, opened = (
        _by_width(mouth, said, each, widening) for each in (lines, added(lines, opening))
    )
    return torch.minimum(shut, opened)


def open_share(mouth: Mouth, said: Spoken, lines: Lines, opening: Lines) -> Tensor:
    """[f] in [0, 1] the share of `opening` that keeps shut lips shut and the lower lip at the
    teeth. lines: of all other motion, f frames."""
    return _by_teeth(mouth, said, lines, opening, _by_gap(mouth, said, lines, opening))


def reopened_slowly(share: Tensor, before: Tensor | None, fps: float) -> Tensor:
    """Shares [f] that rise by at most REOPENS a second, after the share [] of the frame before."""
    ramp = REOPENS / fps * torch.arange(1, len(share) + 1)
    start = share[:0] if before is None else before[None]
    held = torch.cat([start, share - ramp])
    return (held.cummin(0).values[len(start) :] + ramp).clamp(0, 1)


def _by_gap(mouth: Mouth, said: Spoken, lines: Lines, opening: Lines) -> Tensor:
    """[f] so that no pair parts more than speech's widest gap, or SHUT, plus the slack; nor
    overlaps more than OVERLAP."""
    slack = torch.minimum(said.open_slack, said.teeth_slack)
    widest = said.gap.clamp(min=SHUT * mouth.width) + SLACK * mouth.width * slack
    up = _share(widest[:, None] - lines.parting, opening.parting)
    down = _share(lines.parting.clamp(min=0) + OVERLAP * mouth.width, -opening.parting)
    return torch.minimum(up, down).amin(1)


def _by_teeth(mouth: Mouth, said: Spoken, lines: Lines, opening: Lines, open: Tensor) -> Tensor:
    """[f] the share of `open` that keeps the lower lip within its distance of the upper teeth."""
    lip = mouth.rest[mouth.lower_lip] + lines.lip
    without = mouth.teeth_distance(lip) / mouth.teeth_at_rest
    full = mouth.teeth_distance(lip + open[:, None, None] * opening.lip) / mouth.teeth_at_rest
    return open * _share(_farthest(said) - without, full - without)


def _farthest(said: Spoken) -> Tensor:
    """[f] limit of the distance of lower lip and upper teeth, relative to rest."""
    return said.teeth.clamp(min=CONTACT) + TEETH_SLACK * said.teeth_slack


def _by_width(mouth: Mouth, said: Spoken, lines: Lines, widening: Lines) -> Tensor:
    """[f] so that the corners stay within their limit: the root of a quadratic equation."""
    widest = (said.width.clamp(min=ROUNDEST) + WIDTH_SLACK * said.round_slack) * mouth.width
    right, left = mouth.rest[mouth.corners]
    across, added = left - right + lines.corners, widening.corners
    a, b = (added * added).sum(1).clamp(min=1e-12), (across * added).sum(1)
    c = (across * across).sum(1) - widest**2
    root = (-b + (b * b - a * c).clamp(min=0).sqrt()) / a
    return torch.where((across + added).norm(dim=1) <= widest, 1.0, root.clamp(0, 1))


def _share(slack: Tensor, asked: Tensor) -> Tensor:
    """In [0, 1] the share of `asked` that fits into `slack`; 1 where nothing is asked."""
    share = (slack / asked.clamp(min=1e-7)).clamp(0, 1)
    return torch.where(asked <= slack.clamp(min=1e-7), 1.0, share)


def smoothstep(t: Tensor) -> Tensor:
    """From 0 to 1 over t in [0, 1], with zero slope at both ends."""
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)


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
