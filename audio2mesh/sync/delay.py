"""The delay of filmed lips against the sound that was recorded with them.

Two measures: the mean distance of SyncNet3D's embeddings over the windows that hold speech, and
the correlation of the lips with those that a speech-to-motion model predicts from the sound. The
first is better for long films, the second for short ones; their sum is right in both.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.model.stream import stream_coefficients
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.mel import log_mel
from audio2mesh.sync.network import SyncNet3D
from audio2mesh.sync.offsets import distance
from audio2mesh.sync.windows import STEPS, level_mel, mel_windows, speech_windows

REACH = 50  # hundredths of a second: the largest delay that is looked for, either way
NEAR = 20  # hundredths of a second: delays less apart than this are one guess
LEAST = 25  # frames or windows on which a guess must rest
LIKENESS = 0.4  # weight of the correlation of the lips against the distance of the embeddings
SURE = 0.2  # margin from which a delay is believed


@dataclass(frozen=True)
class Delay:
    """How late lips come."""

    seconds: float  # less than 0 where the sound comes late
    margin: float  # by which other delays fit worse

    @property
    def sure(self) -> bool:
        return self.margin > SURE


@torch.no_grad()
def find_delay(
    net: SyncNet3D,
    model: SpeechToMotion,
    motion: Motion,
    sound: Tensor,
    face: FaceGeometry,
    fps: float,
) -> Delay | None:
    """The delay within half a second of lips [F, ..] against sound [S] at 16 kHz, to 10 ms.

    None where there is too little speech. A minute tells enough; memory goes with the length.
    """
    if min(len(motion.coefficients) / fps, len(sound) / SAMPLE_RATE) < LEAST / fps:
        return None
    chunks = stream_coefficients(model, [sound.numpy()], 100.0)
    said = [model.motion(coefficients).offsets(face.lips) for coefficients in chunks]
    likeness = _likeness(motion.offsets(face.lips), torch.cat(said), fps)  # [2 REACH + 1]
    fit = LIKENESS * likeness - _distances(net, motion, sound, face, fps)
    if fit.isnan().all():
        return None
    fit = fit.nan_to_num(-torch.inf)
    best = int(fit.argmax())
    others = (torch.arange(len(fit)) - best).abs() > NEAR
    return Delay((best - REACH) / 100, float(fit[best] - fit[others].amax()))


def _distances(
    net: SyncNet3D, motion: Motion, sound: Tensor, face: FaceGeometry, fps: float
) -> Tensor:
    """Mean distance [2 REACH + 1] of mouth and speech by delay; NaN on too few windows."""
    mel = level_mel(log_mel(sound))
    windows = mel_windows(mel, 100.0, len(mel) - STEPS + 1)  # [T, 20, 80]
    mouth, heard = net.embed_motion(motion, face, fps), net.embed_level(windows)
    apart, speech = distance(mouth @ heard.T), speech_windows(windows)  # [W, T], [T]
    starts = (torch.arange(len(mouth)) * 100 / fps).round().long()

    def mean(delay: int) -> Tensor:
        at = starts - delay
        chosen = (at >= 0) & (at < len(heard))
        chosen[chosen.clone()] &= speech[at[chosen]]
        found = apart[chosen.nonzero().squeeze(1), at[chosen]]
        return found.mean() if len(found) >= LEAST else torch.tensor(torch.nan)

    return torch.stack([mean(delay) for delay in range(-REACH, REACH + 1)])


def _likeness(lips: Tensor, said: Tensor, fps: float) -> Tensor:
    """Correlation [2 REACH + 1] by delay of lips [F, n, 3] with those [T, n, 3] that a sound makes,
    100 a second; NaN on too few frames."""
    middles = ((torch.arange(len(lips)) + 0.5) * 100 / fps - 0.5).round().long()

    def correlation(delay: int) -> Tensor:
        at = middles - delay
        inside = (at >= 0) & (at < len(said))
        if int(inside.sum()) < LEAST:
            return torch.tensor(torch.nan)
        seen, made = lips[inside], said[at[inside]]
        seen, made = seen - seen.mean(0), made - made.mean(0)
        return (seen * made).sum() / (seen.norm() * made.norm()).clamp_min(1e-9)

    return torch.stack([correlation(delay) for delay in range(-REACH, REACH + 1)])
