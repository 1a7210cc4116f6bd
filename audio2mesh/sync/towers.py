"""Networks that turn one window into an embedding of length 1."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from audio2mesh.sound.mel import MEL_BANDS
from audio2mesh.sync.windows import POINTS

_GROUPS = 8


class AudioTower(nn.Module):
    """Levelled log-mel [N, 20, 80] → embedding [N, D]."""

    def __init__(self, width: int, embedding: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _convolution(MEL_BANDS, width, 1),  # 18 steps are left
            _convolution(width, width, 2),  # 8
            nn.Dropout(dropout),
            _convolution(width, width, 2),  # 3
            nn.Flatten(),
            nn.Linear(3 * width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, embedding),
        )

    def forward(self, windows: Tensor) -> Tensor:
        return functional.normalize(self.layers(windows.transpose(1, 2)), dim=-1)


class CurveTower(nn.Module):
    """Curves [N, 5, K] → embedding [N, D]."""

    def __init__(self, curves: int, width: int, embedding: int, dropout: float) -> None:
        super().__init__()
        sizes = (2 * POINTS * curves, 2 * width, 2 * width)
        hidden = [
            layer
            for a, b in pairwise(sizes)
            for layer in (nn.Linear(a, b), nn.LayerNorm(b), nn.GELU(), nn.Dropout(dropout))
        ]
        self.layers = nn.Sequential(*hidden, nn.Linear(2 * width, embedding))

    def forward(self, windows: Tensor) -> Tensor:
        centred = windows - windows.mean(1, keepdim=True)
        seen = torch.cat([windows, 4 * centred], 1).flatten(1)
        return functional.normalize(self.layers(seen), dim=-1)


def _convolution(channels: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(channels, width, 3, stride), nn.GroupNorm(_GROUPS, width), nn.GELU()
    )
