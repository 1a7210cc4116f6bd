"""LSE-D, LSE-C and the offset between sound and mouth; and the offset test: whether a SyncNet3D
finds by how many frames a recording was shifted.

Offsets are in frames; a positive one means that the motion comes late.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from audio2mesh.data.clips import Clip, clip_frames
from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion
from audio2mesh.sound.mel import log_mel
from audio2mesh.sync.network import SyncNet3D
from audio2mesh.sync.windows import level_mel, mel_windows, speech_windows, window_frames
from common.errors import InputError

REACH = 10
"""Largest offset that is looked at, frames either way."""
STRETCH = 2.0
"""Seconds of which an offset is told."""


@torch.no_grad()
def lse(
    net: SyncNet3D, motion: Motion, mel: Tensor, face: FaceGeometry, fps: float
) -> tuple[float, float]:
    """LSE-D and LSE-C of one recording.

    motion [F, ..]; mel [T, 80]: log-mel of the sound. As in syncnet_python
    (SyncNetInstance.evaluate): the distance of every window of the mouth from the window of the
    sound at each offset in -10..10 frames, averaged over the windows; LSE-D is the smallest mean,
    LSE-C the median over the offsets less the smallest. There, windows beyond the ends of the
    sound count as zero embeddings; here they are left out.
    """
    mean = offset_distances(net, motion, mel, face, fps).nanmean(0)  # [21]
    return float(mean.min()), float(mean.median() - mean.min())


def offset_distances(
    net: SyncNet3D, motion: Motion, mel: Tensor, face: FaceGeometry, fps: float
) -> Tensor:
    """Distance [W, 21] of each window of motion [F, ..] by offset; NaN beyond the sound's ends."""
    mouth = net.embed_motion(motion, face, fps)  # [W, D]
    return shifted_distances(net.embed_mel(mel, fps, len(mouth)), mouth)


def shifted_distances(audio: Tensor, mouth: Tensor) -> Tensor:
    """Distances [W, 21] of mouth window w from audio window w - offset, for embeddings [W, D]."""
    at = torch.arange(len(mouth))[:, None] - torch.arange(-REACH, REACH + 1)  # [W, 21]
    inside = (at >= 0) & (at < len(audio))
    similarity = torch.einsum("wd,wod->wo", mouth, audio[at.clamp(0, len(audio) - 1)])
    return distance(similarity).masked_fill(~inside.to(mouth.device), torch.nan)


def distance(similarity: Tensor) -> Tensor:
    """Euclidean distance in [0, 2] of embeddings of length 1, from their scalar product."""
    return (2 - 2 * similarity).clamp_min(1e-8).sqrt()


@torch.no_grad()
def find_offsets(
    net: SyncNet3D,
    motion: Motion,
    mel: Tensor,
    face: FaceGeometry,
    fps: float,
    seconds: float = STRETCH,
) -> tuple[Tensor, Tensor]:
    """Offset [n] in frames of every stretch of `seconds`, and the share [n] of speech in it.

    Stretch i begins with frame i; its offset is the one of the smallest mean distance.
    """
    distances = offset_distances(net, motion, mel, face, fps)  # [W, 21]
    length = max(1, round(seconds * fps) - window_frames(fps) + 1)  # windows whole inside
    if len(distances) < length:
        raise InputError(f"the recording is shorter than the {seconds:g} s asked for")
    mean = distances.unfold(0, length, 1).nanmean(-1)  # [n, 21]
    mean = mean.nan_to_num(torch.inf)
    windows = mel_windows(level_mel(mel), fps, len(distances))
    speech = speech_windows(windows).float().unfold(0, length, 1).mean(-1)
    return mean.argmin(1) - REACH, speech


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


def offset_score(net: SyncNet3D, clip: Clip, face: FaceGeometry, fps: float) -> OffsetScore:
    """Delay the motion by each of the shifts and find it again in all 2-second stretches.

    Stretches begin every 5 frames and count where at least 30 % of their 0.2 s windows hold
    speech. The lag that the clip itself declares is undone first.
    """
    mel = log_mel(torch.from_numpy(clip.audio))
    motion = clip_frames(clip, fps, int(clip.seconds * fps))  # [F, K]
    errors = []
    for shift in SHIFTS:
        shifted = Motion(torch.roll(motion, shift, 0), clip.motion.basis)
        found, speech = find_offsets(net, shifted, mel, face, fps)
        whole = slice(max(SHIFTS), len(found) - max(SHIFTS), _HOP)  # clear of the seam
        errors.append((found[whole] - shift)[speech[whole] >= _SPEECH_SHARE].abs())
    error = torch.cat(errors)
    if not len(error):
        raise InputError(f"{clip.name}: no {STRETCH:g} s with speech to test on")
    return OffsetScore(
        len(error),
        float((error == 0).float().mean()),
        float((error <= 1).float().mean()),
        *lse(net, Motion(motion, clip.motion.basis), mel, face, fps),
    )


def format_score(name: str, score: OffsetScore) -> str:
    return (
        f"{name}: within 1 frame {score.near:.1%}, exact {score.exact:.1%} of {score.stretches}; "
        f"LSE-D {score.lse_d:.3f}, LSE-C {score.lse_c:.3f}"
    )
