"""What the sound of a voice suggests: how excited it is, and no more than that."""

import math

from avatar.face.emotion.presets import OWN, Emotion, both
from avatar.face.emotion.timeline import Feelings, Felt

EXCITED = Emotion(
    {"browInnerUp": 0.2} | both(browOuterUp=0.35, eyeWide=0.4, cheekSquint=0.15), OWN, speech=1.15
)
CALM = Emotion(both(eyeBlink=0.12), OWN, speech=0.9)


def suggested(arousal: float, intensity: float = 1.0) -> Feelings:
    """Feelings of a voice from calm, 0, by way of everyday speech, 0.5, to excited, 1.

    Both are neither glad nor sad: joy and anger sound alike.
    """
    assert 0 <= arousal <= 1, arousal
    strength = 2 * arousal - 1
    emotion = EXCITED if strength > 0 else CALM
    return (Felt(emotion, abs(strength) * intensity, 0.0, math.inf),)
