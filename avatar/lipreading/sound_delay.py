"""The delay of a film's lips against its sound; and a head as plain tensors for speech-to-motion
training.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audio2mesh import load_model
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.model.motion import Motion
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sync.critic import load_syncnet
from audio2mesh.sync.delay import Delay, find_delay
from avatar.heads import load_head
from avatar.heads.arkit import WEIGHTS
from avatar.heads.head import Head
from avatar.video.sound import Sound, sound_reader

_TIP = 0.95  # of the way of the farthest vertex


def face_units(head: Head) -> FaceUnits:
    """The head's expression units."""
    return FaceUnits(head.unit_names, head.units)


def face_geometry(head: Head) -> FaceGeometry:
    """The rest face with the vertices that losses and scores use."""
    return FaceGeometry(
        rest=head.vertices,
        lips=head.regions["lips"],
        inner_upper=head.regions["lip_inner_upper"],
        inner_lower=head.regions["lip_inner_lower"],
        upper_face=head.regions["upper_face"],
        upper_teeth=head.group_vertices("upper-teeth"),
        tongue=_tip(head.unit("tongueOut")[:, 2]),
    )


def speaking_head() -> tuple[FaceUnits, FaceGeometry, str]:
    """Units, geometry and topology of the head that clips of speech move."""
    head = load_head()
    return face_units(head), face_geometry(head), head.topology


def _tip(forward: Tensor) -> Tensor:
    """Indices of the vertices that a tongue which comes out brings forward [V] the farthest."""
    return (forward > _TIP * forward.max()).nonzero().squeeze(1)


LONGEST = 60.0  # seconds that are listened to


def lips_delay(weights: Tensor, fps: float, sound: Sound) -> Delay | None:
    """The delay of lips that ARKit weights [F, 52] move, or None where nobody speaks.

    Raises as `stream_audio` does.
    """
    weights = weights[: round(LONGEST * fps)]
    read = sound_reader(sound.path, SAMPLE_RATE, sound.begin)
    return delay_of(weights, fps, read(round(len(weights) / fps * SAMPLE_RATE)).mean(1))


def delay_of(weights: Tensor, fps: float, heard: NDArray[np.float32]) -> Delay | None:
    """The same for sound [S] at 16 kHz."""
    head = load_head()
    units = head.units[[head.unit_names.index(name) for name in WEIGHTS]]
    net, model = load_syncnet(role="evaluation"), load_model()
    sound = torch.from_numpy(heard)
    return find_delay(net, model, Motion(weights, units), sound, face_geometry(head), fps)
