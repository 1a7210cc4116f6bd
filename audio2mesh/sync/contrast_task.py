"""Contrastive training of SyncNet3D's sound tower and mouth tower.

Stretches of 6 s are kept in memory, from which segments are cut; old ones are replaced by new ones.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import Clip
from audio2mesh.sync.contrast import offset_loss, window_loss
from audio2mesh.sync.network import SyncNet3D
from audio2mesh.sync.offsets import REACH
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
