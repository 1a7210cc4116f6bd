"""Measures by trained networks, as judges of one motion at a time."""

import torch

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion
from audio2mesh.sync.network import SyncNet3D
from audio2mesh.sync.offsets import lse
from research.evaluation.speech.articulation import Score
from research.evaluation.speech.measures import Judge
from research.evaluation.speech.recordings import Recording

_SHORTEST = 1.0  # seconds; in less the offsets of LSE-D and LSE-C do not fit


def sync_judge(net: SyncNet3D, face: FaceGeometry) -> Judge:
    """LSE-D and LSE-C by a SyncNet3D; recordings count by their frames.

    Results are measured by the instance that is kept for that, choices by the one of the loss.
    """

    def judge(motion: Motion, recording: Recording, fps: float) -> dict[str, Score]:
        if recording.seconds < _SHORTEST:
            return {}
        distance, confidence = lse(net, motion, torch.from_numpy(recording.audio), face, fps)
        frames = len(motion.coefficients)
        return {"lse_d": Score(distance, frames), "lse_c": Score(confidence, frames)}

    return judge
