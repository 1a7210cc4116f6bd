"""Contrastive losses and training of SyncNet3D's sound tower and mouth tower.

Segments hold A = M + 2 E audio windows around M mouth windows: mouth window m belongs to audio
window m + E. Negatives are all other windows of the batch: other times of the same recording and
other recordings. Segments are cut from stretches of 6 s in memory, which are replaced over time.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audio2mesh.data.clips import Clip
from audio2mesh.sync.network import SyncNet3D
from audio2mesh.sync.offsets import REACH, distance
from audio2mesh.sync.options import ContrastOptions, SegmentOptions
from audio2mesh.sync.segments import (
    FPS,
    ITEM_FRAMES,
    MEL_PER_FRAME,
    Item,
    change_curves,
    change_mel,
    cut_item,
)
from audio2mesh.sync.windows import POINTS, mel_windows, speech_windows
from audio2mesh.training.distributed import own_part
from common.progress import progress_bar

_TOO_CLOSE = 2  # windows this near in time are neither right nor wrong


def window_loss(audio: Tensor, mouth: Tensor, speech: Tensor, temperature: float) -> Tensor:
    """InfoNCE both ways, each window against every other of the batch.

    audio [B, A, D], mouth [B, M, D], speech [B, A] bool: windows without speech are never asked
    for, they only serve as wrong answers.
    """
    edge = (audio.shape[1] - mouth.shape[1]) // 2
    scores = mouth.flatten(0, 1) @ audio.flatten(0, 1).T / temperature  # [B M, B A]
    scores = scores.masked_fill(_doubtful(audio, mouth, edge), -torch.inf)
    batch, count = mouth.shape[:2]
    at = torch.arange(max(batch, count), device=audio.device)
    rows = at[:batch, None] * audio.shape[1] + edge + at[:count]
    answer = rows.flatten()  # [B M] the audio window of each mouth window
    asked = speech.flatten()[answer]
    if not asked.any():
        return scores.new_zeros(())
    forward = functional.cross_entropy(scores[asked], answer[asked])
    own = scores[:, answer]  # [B M, B M]
    backward = functional.cross_entropy(own.T[asked], asked.nonzero().squeeze(1))
    return (forward + backward) / 2


def _doubtful(audio: Tensor, mouth: Tensor, edge: int) -> Tensor:
    """Pairs [B M, B A] of one segment that are almost simultaneous."""
    segment = torch.arange(len(mouth), device=mouth.device)
    mouth_time = torch.arange(mouth.shape[1], device=mouth.device)
    audio_time = torch.arange(audio.shape[1], device=mouth.device) - edge
    same = (segment[:, None] == segment)[:, None, :, None]
    apart = (mouth_time[:, None] - audio_time).abs()[None, :, None, :]
    close = same & (apart > 0) & (apart <= _TOO_CLOSE)
    return close.reshape(mouth.shape[0] * mouth.shape[1], -1)


def offset_loss(audio: Tensor, mouth: Tensor, sharpness: float) -> Tensor:
    """Cross-entropy of finding offset 0 among the 2 E + 1 by the mean distance of a segment."""
    mean = segment_distances(audio, mouth)  # [B, 2 E + 1]
    target = torch.full((len(mean),), mean.shape[1] // 2, device=mean.device)
    return functional.cross_entropy(-sharpness * mean, target)


def segment_distances(audio: Tensor, mouth: Tensor) -> Tensor:
    """Mean distance [.., A - M + 1] of mouth [.., M, D] from audio [.., A, D], by offset."""
    similarity = mouth @ audio.transpose(-1, -2)  # [.., M, A]
    count, offsets = mouth.shape[-2], audio.shape[-2] - mouth.shape[-2] + 1
    rows = torch.arange(count, device=mouth.device)[:, None]
    shifted = rows + torch.arange(offsets, device=mouth.device)
    diagonal = similarity[..., rows, shifted]  # [.., M, offsets]
    return distance(diagonal).mean(-2)


class ContrastTask:
    """A network and the stretches that it learns from; clips hold lip curves as their motion."""

    def __init__(
        self,
        net: SyncNet3D,
        clips: Sequence[Clip],
        options: ContrastOptions,
        segments: SegmentOptions,
    ) -> None:
        self.net, self.clips, self.options, self.segments = net, clips, options, segments
        self.device = net.directions.device
        self.pool: list[Item] = []
        self.next_item = 0

    def prepare(self, step: int) -> None:
        """Make the stretches that a step draws from."""
        last = step // self.options.renew + self.options.pool
        wanted = range(max(self.next_item, last - self.options.pool), last)
        if not wanted:
            return
        hidden = len(wanted) < 2
        with progress_bar("cutting speech", len(wanted), "stretches/s", hidden=hidden) as show:
            for number in wanted:
                self.pool.append(cut_item(self.clips, self.segments, self._random(0, number)))
                show()
        self.next_item = last
        del self.pool[: -self.options.pool]

    def losses(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        windows, mouths = (part.to(self.device) for part in self._batch(self._random(1, step)))
        sound, mouth = self.net.embed_level(windows), self.net.embed_curves(mouths, FPS)
        terms = {
            "window": window_loss(sound, mouth, speech_windows(windows), self.options.temperature),
            "offset": offset_loss(sound, mouth, self.options.sharpness),
        }
        return terms["window"] + self.options.offset * terms["offset"], terms

    def _random(self, kind: int, index: int) -> np.random.Generator:
        return np.random.default_rng([self.options.seed, kind, index])

    def _batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """This process's windows of sound [B, A, 20, 80] and lip curves [B, M + 4, C]."""
        own = own_part(self.options.batch)
        mouth_frames = self.options.windows + POINTS - 1
        frames = mouth_frames + 2 * REACH
        mels, mouths = [], []
        for _ in range(self.options.batch):
            item = self.pool[int(rng.integers(len(self.pool)))]
            first = int(rng.integers(ITEM_FRAMES - frames + 1))
            mel = item.mel[first * MEL_PER_FRAME : (first + frames) * MEL_PER_FRAME].float()
            mels.append(change_mel(mel, rng))
            mouth = item.mouth[first + REACH : first + REACH + mouth_frames]
            mouths.append(change_curves(mouth, self.segments, rng))
        heard, seen = torch.stack(mels[own]), torch.stack(mouths[own])
        return mel_windows(heard, FPS, frames - POINTS + 1), seen
