"""Emotions added to the motion of a voice."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict

import torch
from torch import Tensor

from avatar.behaviour.emotion_face import LIDS, LiveEmotion, mean_emotion_style
from avatar.behaviour.emotion_timeline import EmotionTimeline
from avatar.behaviour.style import StyleParams, scaled
from avatar.drive.motion import Curves
from avatar.retarget.fitted_face import Face

Units = Mapping[str, Tensor]  # ARKit unit → weights [F]


def style_with_emotion(
    style: StyleParams, emotions: EmotionTimeline, seconds: float
) -> StyleParams:
    """A style with the mean effect of the emotions over a recording."""
    return scaled(style, **asdict(mean_emotion_style(emotions, seconds)))


def with_emotion(
    face: Face, speech: Curves, beside: Units, emotions: EmotionTimeline, fps: float
) -> tuple[Curves, Units]:
    """The curves of the mouth and the units of the rest of the face.

    beside: what moves besides the mouth.
    """
    added = LiveEmotion(face, speech.basis, emotions, fps)
    frames = sum(map(len, speech.coefficients()))

    def coefficients() -> Iterator[Tensor]:
        live = LiveEmotion(face, speech.basis, emotions, fps)
        for chunk in speech.coefficients():
            yield live.push(chunk)[0]

    names, basis = (*speech.names, *added.names), torch.cat([speech.basis, added.basis])
    expressed = added.beside(frames)
    return Curves(names, basis, coefficients), joined(expressed, beside)


def joined(expressed: Units, beside: Units) -> Units:
    """Emotions and what else moves beside speech; blinks override the emotions' lids."""
    units = dict(beside)
    for name, weight in expressed.items():
        blink = beside.get(f"eyeBlink{'Left' if name.endswith('Left') else 'Right'}")
        open = 1 - blink if blink is not None and name.startswith(LIDS) else 1
        units[name] = (units.get(name, 0) + weight * open).clamp(0, 1)
    return units
