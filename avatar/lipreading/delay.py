"""By how much a film's lips come late against its sound."""

import torch
from torch import Tensor

from audio2mesh import load_model
from audio2mesh.model.motion import Motion
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sync import load_syncnet
from audio2mesh.sync.delay import Delay, find_delay
from avatar.arkit import WEIGHTS
from avatar.film.audio_track import Sound, sound_reader
from avatar.heads import load_head
from avatar.lipreading.face_geometry import face_geometry

LONGEST = 60.0  # seconds that are listened to


def lips_delay(weights: Tensor, fps: float, sound: Sound) -> Delay | None:
    """The delay of lips that ARKit weights [F, 52] move, or None where nobody speaks.

    Raises as `stream_audio` does.
    """
    head = load_head()
    units = head.units[[head.unit_names.index(name) for name in WEIGHTS]]
    weights = weights[: round(LONGEST * fps)]
    read = sound_reader(sound.path, SAMPLE_RATE, sound.begin)
    heard = torch.from_numpy(read(round(len(weights) / fps * SAMPLE_RATE)).mean(1))
    net, model = load_syncnet(role="evaluation"), load_model()
    return find_delay(net, model, Motion(weights, units), heard, face_geometry(head), fps)
