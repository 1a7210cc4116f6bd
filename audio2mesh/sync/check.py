"""The offset test: does a SyncNet3D find by how many frames a recording was shifted?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from audio2mesh.data.clips import Clip, clip_frames
from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion
from audio2mesh.sound.mel import log_mel
from audio2mesh.sync.network import SyncNet3D
from audio2mesh.sync.offsets import find_offsets, lse
from common.errors import InputError

SHIFTS = (-8, -4, 0, 4, 8)
"""Frames by which the test delays the motion."""
_SPEECH_SHARE = 0.3  # of a stretch's windows: with less speech it is not asked for
_HOP = 5  # frames from one stretch to the next


@dataclass(frozen=True)
class OffsetScore:
    """Result of one recording."""

    stretches: int  # 2-second stretches with speech, times shifts
    exact: float  # share with the very frame found
    near: float  # share within one frame
    lse_d: float
    lse_c: float


def offset_score(
    net: SyncNet3D, clip: Clip, face: FaceGeometry, fps: float, seconds: float = 2.0
) -> OffsetScore:
    """Delay the motion by each of the shifts and find it again in all 2-second stretches.

    Stretches begin every 5 frames and count where at least 30 % of their 0.2 s windows hold
    speech. The lag that the clip itself declares is undone first.
    """
    sound = log_mel(torch.from_numpy(clip.audio))
    motion = clip_frames(clip, fps, int(clip.seconds * fps))  # [F, K]
    errors = []
    for shift in SHIFTS:
        shifted = Motion(torch.roll(motion, shift, 0), clip.motion.basis)
        found, speech = find_offsets(net, shifted, sound, face, fps, seconds)
        whole = slice(max(SHIFTS), len(found) - max(SHIFTS), _HOP)  # clear of the seam
        errors.append((found[whole] - shift)[speech[whole] >= _SPEECH_SHARE].abs())
    error = torch.cat(errors)
    if not len(error):
        raise InputError(f"{clip.name}: no {seconds:g} s with speech to test on")
    return OffsetScore(
        len(error),
        float((error == 0).float().mean()),
        float((error <= 1).float().mean()),
        *lse(net, Motion(motion, clip.motion.basis), sound, face, fps),
    )


def format_score(name: str, score: OffsetScore) -> str:
    return (
        f"{name}: within 1 frame {score.near:.1%}, exact {score.exact:.1%} of {score.stretches}; "
        f"LSE-D {score.lse_d:.3f}, LSE-C {score.lse_c:.3f}"
    )


def offset_scores(
    net: SyncNet3D, clips: Sequence[Clip], face: FaceGeometry, fps: float
) -> dict[str, OffsetScore]:
    return {clip.name: offset_score(net, clip, face, fps) for clip in clips}
