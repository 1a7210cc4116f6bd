"""Eight emotions as ARKit units at full strength, with their envelopes over time.

The units follow FACS (Ekman, Friesen, Hager 2002) by the usual table from its action units to
ARKit's; the weights were chosen on rendered faces. The onset of a smile takes 350 to 700 ms and its
offset 0.7 to 1.0 s, a surprise is short, anger and sadness stay.
"""

from collections.abc import Mapping
from dataclasses import dataclass

NEUTRAL = "neutral"


@dataclass(frozen=True)
class Envelope:
    """Onset, apex, sustain and offset of an emotion, in seconds."""

    onset: float
    apex: float  # at full strength
    settled: float  # share of the strength that is sustained afterwards
    offset: float


@dataclass(frozen=True)
class EmotionStyle:
    """Ratios by which an emotion scales the motion of head, brows, lids and eyes.

    Those of the head were measured on films of three actors (standard deviation and speed, seconds
    of each emotion); the others are chosen here.
    """

    head: float = 1.0  # size of its motion
    brows: float = 1.0  # rate of raises
    blinks: float = 1.0  # their rate
    away: float = 1.0  # duration of looks elsewhere


@dataclass(frozen=True)
class Emotion:
    """An emotion at full strength."""

    units: Mapping[str, float]  # ARKit unit → weight in [0, 1]
    envelope: Envelope
    speech: float = 1.0  # gain of speech motion
    style: EmotionStyle = EmotionStyle()


def both(**weights: float) -> dict[str, float]:
    """The same weight on the left and on the right."""
    return {f"{unit}{side}": weight for unit, weight in weights.items() for side in SIDES}


SIDES = ("Left", "Right")
SLOW = Envelope(onset=0.6, apex=1.5, settled=1.0, offset=1.0)
OWN = Envelope(onset=0.5, apex=1.5, settled=1.0, offset=0.8)
"""The envelope of a user's preset."""

EMOTIONS: Mapping[str, Emotion] = {
    NEUTRAL: Emotion({}, OWN),
    "happy": Emotion(
        both(mouthSmile=0.85, cheekSquint=0.8, eyeSquint=0.35, mouthUpperUp=0.25),
        Envelope(onset=0.5, apex=1.5, settled=0.85, offset=0.85),
        speech=1.1,
        style=EmotionStyle(head=1.35, brows=1.2, away=0.9),
    ),
    "sad": Emotion(
        {"browInnerUp": 1.0, "mouthShrugLower": 0.4}
        | both(browDown=0.1, mouthFrown=0.9, eyeSquint=0.15, eyeBlink=0.15),
        Envelope(onset=0.8, apex=2.0, settled=1.0, offset=1.2),
        speech=0.85,
        style=EmotionStyle(head=1.3, brows=0.6, blinks=1.1, away=1.8),
    ),
    "angry": Emotion(
        {"jawForward": 0.15}
        | both(browDown=1.0, browOuterUp=0.6, eyeWide=0.4, eyeSquint=0.5, noseSneer=0.5)
        | both(mouthUpperUp=0.3, mouthLowerDown=0.45, mouthFrown=0.4, mouthPress=0.2),
        Envelope(onset=0.35, apex=2.0, settled=1.0, offset=1.0),
        speech=1.15,
        style=EmotionStyle(head=2.0, brows=0.7, blinks=0.7, away=0.6),
    ),
    "fear": Emotion(
        {"browInnerUp": 1.0, "jawOpen": 0.1}
        | both(browOuterUp=0.2, browDown=0.4, eyeWide=1.0, mouthStretch=1.0, mouthFrown=0.2)
        | both(mouthLowerDown=0.35),
        Envelope(onset=0.25, apex=1.5, settled=0.9, offset=0.9),
        style=EmotionStyle(head=1.3, brows=0.8, blinks=1.4, away=1.3),
    ),
    "disgust": Emotion(
        {"mouthShrugLower": 0.3}
        | both(noseSneer=1.0, mouthUpperUp=0.85, browDown=0.5, eyeSquint=0.7, cheekSquint=0.4)
        | both(mouthFrown=0.35),
        Envelope(onset=0.4, apex=1.5, settled=0.9, offset=0.8),
        speech=0.95,
        style=EmotionStyle(head=0.95, brows=0.8, away=1.4),
    ),
    "surprise": Emotion(
        {"browInnerUp": 1.0, "jawOpen": 0.32} | both(browOuterUp=1.0, eyeWide=0.8),
        Envelope(onset=0.2, apex=1.0, settled=0.6, offset=0.5),
        speech=1.1,
        style=EmotionStyle(head=1.25, brows=1.3, blinks=0.6, away=0.7),
    ),
    "contempt": Emotion(
        {"mouthSmileLeft": 0.65, "cheekSquintLeft": 0.3}
        | {"browDownRight": 0.25, "browOuterUpLeft": 0.35}
        | both(eyeSquint=0.2, eyeBlink=0.15),
        Envelope(onset=0.4, apex=1.5, settled=0.9, offset=0.8),
        speech=0.95,
        style=EmotionStyle(head=1.1, brows=0.8, blinks=0.8, away=1.3),
    ),
}
