"""A two-dimensional talking mouth in the manner of Wav2Lip (arXiv 2008.10010): speech and a
picture of the resting mouth → grey crops."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from audio2mesh.sound.mel import MEL_BANDS
from audio2mesh.sync.segments import MEL_PER_FRAME
from audio2mesh.sync.windows import level_mel

SIZE = 88
"""Pixels on each side of a crop."""
_COARSE = SIZE // 8
_GROUPS = 4
_STRETCH, _CONTEXT = 200, 10  # frames that are drawn at a time, and that are heard around them
_WIDEST = 5.0  # logits: how far a pixel may be from middle grey


@dataclass(frozen=True)
class TeacherOptions:
    speech: int = 128
    """channels of the speech network"""
    picture: int = 8
    """channels at full resolution; each coarser level has more"""
    coarse: int = 32
    """channels that speech draws on at 11 x 11"""
    code: int = 24
    """numbers per frame through which speech moves the mouth"""
    dropout: float = 0.1
    """dropout on what is heard, in training"""


class Teacher(nn.Module):
    """Levelled log-mel [B, 4F, 80] and resting mouths [B, 88, 88] → crops [B, F, 88, 88]."""

    resting: Tensor  # [88, 88] the mouth that is drawn where no other is given

    def __init__(self, options: TeacherOptions | None = None) -> None:
        super().__init__()
        self.options = options or TeacherOptions()
        width, fine, coarse = self.options.speech, self.options.picture, self.options.coarse
        self.speech = _SpeechTower(width, self.options.dropout)
        self.tell = nn.Linear(width, self.options.code)
        self.spread = nn.Linear(self.options.code, coarse * _COARSE**2)
        self.shrink = nn.ModuleList(
            [_block(1, fine, 2), _block(fine, 2 * fine, 2), _block(2 * fine, 4 * fine, 2)]
        )
        self.grow = nn.ModuleList(
            [
                _block(coarse + 4 * fine, 4 * fine),
                _block(4 * fine + 2 * fine, 2 * fine),
                _block(2 * fine + fine, fine),
            ]
        )
        self.last = nn.Conv2d(fine, 1, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)
        self.register_buffer("resting", torch.full((SIZE, SIZE), 0.5))

    def forward(self, mel: Tensor, resting: Tensor) -> Tensor:
        return self.draw(self.hear(mel), resting)

    def hear(self, mel: Tensor) -> Tensor:
        """Levelled log-mel [B, 4F, 80] → codes [B, F, K] of the mouth."""
        return self.tell(self.speech(mel))

    def draw(self, codes: Tensor, resting: Tensor) -> Tensor:
        """Codes [B, F, K] and resting mouths [B, 88, 88] → crops [B, F, 88, 88]."""
        frames = codes.shape[1]
        spread = self.spread(codes).flatten(0, 1)
        drawn = spread.unflatten(1, (-1, _COARSE, _COARSE))  # [B F, c, 11, 11]
        seen, levels = resting[:, None], []
        for layer in self.shrink:
            seen = layer(seen)
            levels.append(seen.repeat_interleave(frames, 0))
        for layer, level in zip(self.grow, reversed(levels), strict=True):
            drawn = layer(torch.cat([drawn, level], 1))
            drawn = functional.interpolate(drawn, scale_factor=2, mode="nearest")
        change = self.last(drawn).unflatten(0, (-1, frames))[:, :, 0]
        return torch.sigmoid(_logit(resting)[:, None] + change)


class _SpeechTower(nn.Module):
    """Levelled log-mel [B, 4F, 80] → [B, F, C]; a frame hears about 0.3 s either way."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv1d(MEL_BANDS, width, 5, padding=2)
        self.to_frames = nn.Conv1d(width, width, MEL_PER_FRAME, MEL_PER_FRAME)
        self.blocks = nn.ModuleList([nn.Conv1d(width, width, 5, padding=2) for _ in range(3)])
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3)])
        self.dropout = nn.Dropout(dropout)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.to_frames(functional.gelu(self.first(mel.transpose(1, 2))))
        for block, norm in zip(self.blocks, self.norms, strict=True):
            change = norm(block(x).transpose(1, 2)).transpose(1, 2)
            x = x + self.dropout(functional.gelu(change))
        return x.transpose(1, 2)


def _block(channels: int, width: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride, 1), nn.GroupNorm(_GROUPS, width), nn.GELU()
    )


def _logit(picture: Tensor) -> Tensor:
    return torch.logit(picture, eps=1e-6).clamp(-_WIDEST, _WIDEST)


@torch.no_grad()
def teacher_crops(
    teacher: Teacher, mel: Tensor, frames: int, resting: Tensor | None = None
) -> Tensor:
    """Log-mel [T, 80] of a recording → mouth crops [F, 88, 88] in [0, 1] at 25 fps.

    `resting` is the identity's mouth at rest [88, 88]; by default the one the teacher was trained
    with. Beyond the recording's end is silence.
    """
    level = level_mel(mel)
    missing = max(0, frames * MEL_PER_FRAME - len(level))
    level = functional.pad(level, (0, 0, 0, missing), value=float(level.min()))
    picture = (teacher.resting if resting is None else resting).to(level)[None]
    parts = []
    for first in range(0, frames, _STRETCH):
        start, end = max(0, first - _CONTEXT), min(frames, first + _STRETCH + _CONTEXT)
        heard = level[None, start * MEL_PER_FRAME : end * MEL_PER_FRAME]
        parts.append(teacher(heard, picture)[0, first - start :][:_STRETCH])
    return torch.cat(parts)
