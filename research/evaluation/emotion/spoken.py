"""Speech with and without emotions on one face, in the form that the measures of speech take."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion
from avatar.behaviour.emotion_face import express
from avatar.behaviour.emotion_mouth import Mouth
from avatar.behaviour.emotion_presets import EMOTIONS, NEUTRAL, Envelope
from avatar.behaviour.emotion_timeline import EmotionSegment, EmotionTimeline
from avatar.drive.emotion import with_emotion
from avatar.drive.motion import Curves
from avatar.drive.performance import beside_speech
from avatar.retarget.fitted_face import Face

EXPRESSED_EMOTIONS = tuple(name for name in EMOTIONS if name != NEUTRAL)
HELD = Envelope(onset=0.5, apex=math.inf, settled=1.0, offset=0.8)
"""Emotions are measured at their apex throughout."""


@dataclass(frozen=True)
class SpeakingAvatar:
    """A face with the motion basis of speech-to-motion weights."""

    face: Face
    basis: Tensor  # [K, V, 3] of speech, on its mesh
    fps: float

    def neutral(self, speech: Tensor) -> Motion:
        """Speech alone, from its coefficients [F, K]."""
        return self.motion(self.curves(speech))

    def gated(self, speech: Tensor, emotion: str, intensity: float) -> Motion:
        """With an emotion that speech gates."""
        return self.motion(self.gated_curves(speech, emotion, intensity))

    def in_silence(self, emotion: str, intensity: float) -> Tensor:
        """Offsets [V, 3] of an emotion in silence, as `gated` gives them."""
        return self.gated(torch.zeros(1, len(self.basis)), emotion, intensity).offsets()[0]

    def gated_curves(self, speech: Tensor, emotion: str, intensity: float) -> Curves:
        emotions = held(emotion, intensity)
        curves, units = with_emotion(self.face, self.curves(speech), {}, emotions, self.fps)
        return beside_speech(self.face, curves, units, len(speech))

    def plain(self, speech: Tensor, emotion: str, intensity: float) -> Motion:
        """With the emotion's units added, without gates."""
        units = express(held(emotion, intensity), len(speech), self.fps).units
        return self.motion(beside_speech(self.face, self.curves(speech), units, len(speech)))

    def curves(self, speech: Tensor) -> Curves:
        names = tuple(f"speech_{k:02d}" for k in range(len(self.basis)))
        return Curves(names, self.basis, lambda: iter([speech]))

    def motion(self, curves: Curves) -> Motion:
        """Curves in metres at the size of anny-head, in the axes of head space, with the upper
        teeth of `geometry` behind the mesh."""
        teeth = torch.zeros(len(curves.basis), len(Mouth(self.face).upper_teeth), 3)
        basis = torch.cat([curves.basis.float() @ to_head_axes(self.face), teeth], 1)
        return Motion(torch.cat(list(curves.coefficients())), basis)


def to_head_axes(face: Face) -> Tensor:
    """The matrix [3, 3] that maps rows of offsets on a face to metres in head space."""
    to_head = face.to_head
    return torch.from_numpy(to_head.scale * to_head.rotation.T).float()


def held(emotion: str, intensity: float) -> EmotionTimeline:
    """An emotion at its apex from beginning to end."""
    return (EmotionSegment(replace(EMOTIONS[emotion], envelope=HELD), intensity, 0.0, math.inf),)


def geometry(face: Face) -> FaceGeometry:
    """The face at rest for speech's measures; upper teeth, which stay, follow the vertices, where
    the mesh has none where anny-head's would be."""
    mouth = Mouth(face)
    regions, teeth = face.head.regions, mouth.upper_teeth
    upper, lower = mouth.pairs
    return FaceGeometry(
        rest=torch.cat([mouth.rest, teeth]).float(),
        lips=regions["lips"],
        inner_upper=upper,
        inner_lower=lower,
        upper_face=regions["upper_face"],
        upper_teeth=len(mouth.rest) + torch.arange(len(teeth)),
    )
