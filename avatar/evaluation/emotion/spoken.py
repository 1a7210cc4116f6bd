"""Speech with and without feelings on one face, as speech's own measures want it."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion
from avatar.drive.feelings import with_feelings
from avatar.drive.motion import Curves
from avatar.drive.performance import beside_speech
from avatar.face.emotion.course import express
from avatar.face.emotion.mouth import Mouth
from avatar.face.emotion.presets import EMOTIONS, NEUTRAL, Course
from avatar.face.emotion.timeline import Feelings, Felt
from avatar.transfer.fitted_face import Face

FEELINGS = tuple(name for name in EMOTIONS if name != NEUTRAL)
HELD = Course(onset=0.5, apex=math.inf, settled=1.0, offset=0.8)
"""A feeling is measured at its height throughout."""


@dataclass(frozen=True)
class Stage:
    """A face, and what weights move it by."""

    face: Face
    basis: Tensor  # [K, V, 3] of speech, on its mesh
    fps: float

    def neutral(self, speech: Tensor) -> Motion:
        """Speech alone, from its coefficients [F, K]."""
        return self.motion(self.curves(speech))

    def felt(self, speech: Tensor, emotion: str, intensity: float) -> Motion:
        """With a feeling and its gates."""
        return self.motion(self.felt_curves(speech, emotion, intensity))

    def in_silence(self, emotion: str, intensity: float) -> Tensor:
        """Offsets [V, 3] of a feeling in silence, as `felt` gives them."""
        return self.felt(torch.zeros(1, len(self.basis)), emotion, intensity).offsets()[0]

    def felt_curves(self, speech: Tensor, emotion: str, intensity: float) -> Curves:
        feelings = held(emotion, intensity)
        curves, units = with_feelings(self.face, self.curves(speech), {}, feelings, self.fps)
        return beside_speech(self.face, curves, units, len(speech))

    def plain(self, speech: Tensor, emotion: str, intensity: float) -> Motion:
        """With the feeling's units added and nothing else done."""
        units = express(held(emotion, intensity), len(speech), self.fps).units
        return self.motion(beside_speech(self.face, self.curves(speech), units, len(speech)))

    def curves(self, speech: Tensor) -> Curves:
        names = tuple(f"speech_{k:02d}" for k in range(len(self.basis)))
        return Curves(names, self.basis, lambda: iter([speech]))

    def motion(self, curves: Curves) -> Motion:
        """Curves in metres at the size of anny-head, in the axes of head space, with the upper
        teeth of `geometry` behind the mesh."""
        place = self.face.to_head
        turn = torch.from_numpy(place.scale * place.rotation.T).float()
        teeth = torch.zeros(len(curves.basis), len(Mouth(self.face).upper_teeth), 3)
        basis = torch.cat([curves.basis.float() @ turn, teeth], 1)
        return Motion(torch.cat(list(curves.coefficients())), basis)


def held(emotion: str, intensity: float) -> Feelings:
    """A feeling at its height from beginning to end."""
    return (Felt(replace(EMOTIONS[emotion], course=HELD), intensity, 0.0, math.inf),)


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
