"""A phone recogniser: speech features → probability of every phone at 50 steps per second.

A small temporal convolution net on a frozen speech encoder, trained on recordings whose phones are
known, so that it also hears phones in recordings and languages without a transcript.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from audio2mesh.corpus.features import feature_count
from audio2mesh.data.phones import PHONES
from audio2mesh.model.encoder import SpeechEncoder
from common.tensor_files import read_tensors, write_tensors

_WIDTH = 160
_DILATIONS = (1, 2, 4, 1)


class PhoneNet(nn.Module):
    """Features [B, T, C] → logits [B, T, P] over `PHONES`."""

    mean: Tensor  # [C]
    std: Tensor  # [C]

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))
        self.enter = nn.Linear(channels, _WIDTH)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(_WIDTH, _WIDTH, 3, padding=dilation, dilation=dilation),
                nn.GELU(),
                nn.Dropout(0.15),
                nn.Conv1d(_WIDTH, _WIDTH, 1),
            )
            for dilation in _DILATIONS
        )
        self.norms = nn.ModuleList(nn.LayerNorm(_WIDTH) for _ in _DILATIONS)
        self.leave = nn.Linear(_WIDTH, len(PHONES))

    def forward(self, features: Tensor) -> Tensor:
        standard = (features - self.mean) / self.std
        hidden = self.enter(functional.dropout(standard, 0.1, self.training))
        for norm, block in zip(self.norms, self.blocks, strict=True):
            hidden = hidden + block(norm(hidden).transpose(1, 2)).transpose(1, 2)
        return self.leave(hidden)


def save_recogniser(net: PhoneNet, path: Path, record: str) -> None:
    """Write the weights; `record` says what they were trained on."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in net.state_dict().items()}
    write_tensors(tensors, path, {"phones": " ".join(PHONES), "record": record})


def load_recogniser(path: Path, encoder: SpeechEncoder, record: str) -> PhoneNet | None:
    """What `save_recogniser` wrote, beside the encoder, or None where there is none with this
    record."""
    if not path.exists():
        return None
    tensors, metadata = read_tensors(path)
    if metadata.get("record") != record or metadata.get("phones") != " ".join(PHONES):
        return None
    net = PhoneNet(feature_count(encoder))
    net.load_state_dict(tensors)
    return net.to(encoder.device).eval()
