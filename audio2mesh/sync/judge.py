"""Measures by trained networks, as judges of one motion at a time."""

import torch

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.evaluation.articulation import Score
from audio2mesh.evaluation.measures import Judge
from audio2mesh.evaluation.recordings import Recording
from audio2mesh.model.motion import Motion
from audio2mesh.sync import SyncNet3D, lse

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


def together(*judges: Judge) -> Judge:
    """One judge that says what all of them say."""

    def judge(motion: Motion, recording: Recording, fps: float) -> dict[str, Score]:
        return {k: v for each in judges for k, v in each(motion, recording, fps).items()}

    return judge
