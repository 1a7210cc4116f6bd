"""The lip reader and its file: 3D convolution over crops, 2D ones on each frame, transformer, CTC.

After Stafylakis and Tzimiropoulos (arXiv 1703.04105) and its successors, much smaller; the
transformer's blocks are those of the student, so that positions enter by distance alone.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from audio2mesh.data.phones import PHONES
from audio2mesh.model.decoder import Block
from audio2mesh.model.options import DecoderOptions, LipReadOptions
from common.network_files import load_network, save_network

FPS = 25
"""Frames a second of the crops."""
STEPS = 2
"""Phones can follow each other twice as fast as frames."""
BLANK = len(PHONES)
"""Row of the CTC blank, behind the phones."""
MEASURES = 15
"""Measures of the mouth that training predicts from single frames besides the phones."""


@dataclass(frozen=True)
class Reading:
    """What the network says of crops [B, F, 88, 88]."""

    log_probs: Tensor  # [B, 2F, P + 1] of the CTC; the last is the blank
    phones: Tensor  # [B, 2F, P] the same scores, of the phone that lasts at each half frame
    shape: Tensor  # [B, F, M] measures of the mouth in millimetres


class LipReadNet(nn.Module):
    """Crops [B, F, 88, 88] in [0, 1] → Reading."""

    centre: Tensor  # [W] mean of the features in training
    spread: Tensor  # [W] their standard deviation
    trigram: Tensor  # [P, P, P] log probability of a phone after two others, in training
    trust: Tensor  # [2] weight of the trigram against the lips, and bonus for each phone

    def __init__(self, options: LipReadOptions | None = None) -> None:
        super().__init__()
        self.options = options or LipReadOptions()
        width = self.options.width
        a, b, c = (self.options.channels * size for size in (1, 2, 4))
        self.front = nn.Conv3d(1, a, (3, 7, 7), stride=(1, 4, 4), padding=(1, 3, 3), bias=False)
        self.still = nn.Sequential(  # 22 → 11 → 6 pixels
            _halving(a, b), Residual(b), _halving(b, c), Residual(c), nn.BatchNorm2d(c), nn.GELU()
        )
        self.reduce = nn.Linear(c * 6 * 6, width)
        self.local = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(2))
        block = DecoderOptions(
            width=width,
            layers=self.options.layers,
            heads=self.options.heads,
            dropout=self.options.dropout,
        )
        self.blocks = nn.ModuleList(Block(block) for _ in range(self.options.layers))
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(self.options.dropout)
        self.phones = nn.Linear(width, STEPS * len(PHONES))
        self.blank = nn.Linear(width, STEPS)
        self.shape = nn.Linear(width, MEASURES)
        self.lift = nn.Linear(MEASURES, width)
        self.beside = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.beside.weight)  # what the measures do not tell is found out later
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.register_buffer("trigram", torch.zeros((len(PHONES),) * 3))
        self.register_buffer("trust", torch.zeros(2))

    def forward(self, crops: Tensor) -> Reading:
        seen = self.frame_features(crops)
        shape = self.shape(seen)
        return self._reading(self.contextualise(shape, seen), shape)

    def measure(self, crops: Tensor) -> Tensor:
        """Measures [B, F, M] of the mouths in crops [B, F, 88, 88], millimetres."""
        return self.shape(self.frame_features(crops))

    def read_measures(self, shape: Tensor) -> Reading:
        """What would be read of mouths with the measures [B, F, M], millimetres."""
        return self._reading(self.contextualise(shape), shape)

    def _reading(self, encoded: Tensor, shape: Tensor) -> Reading:
        x = self.dropout(encoded)
        phones, blank = _by_step(self.phones(x)), _by_step(self.blank(x))
        return Reading(
            log_probs=torch.cat([phones, blank], -1).log_softmax(-1),
            phones=phones,
            shape=shape,
        )

    def encode(self, crops: Tensor) -> Tensor:
        """Crops [B, F, 88, 88] → the transformer's output [B, F, W]."""
        seen = self.frame_features(crops)
        return self.contextualise(self.shape(seen), seen)

    def frame_features(self, crops: Tensor) -> Tensor:
        """Crops [B, F, 88, 88] → what three frames show, for each frame [B, F, W]."""
        x = self.front(normalised(crops)[:, None]).transpose(1, 2)  # [B, F, C, 22, 22]
        return self.reduce(self.still(x.flatten(0, 1)).flatten(1)).unflatten(0, x.shape[:2])

    def contextualise(self, shape: Tensor, seen: Tensor | None = None) -> Tensor:
        """Measures [B, F, M] and what else is seen [B, F, W] in the light of the frames around
        [B, F, W]."""
        x = self.lift(shape)
        if seen is not None:
            x = x + self.beside(seen)
        for local in self.local:
            x = x + local(functional.gelu(x).mT).mT
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


def features(net: LipReadNet, crops: Tensor) -> Tensor:
    """Standardised features [B, F, W] of crops [B, F, 88, 88] in [0, 1], differentiable.

    Without the mean of all speech, which is taken off here, any two mouths would point in almost
    the same direction.
    """
    return (net.encode(crops) - net.centre) / net.spread


def normalised(crops: Tensor) -> Tensor:
    """Each sequence with mean 0 and standard deviation 1, whatever its light."""
    mean = crops.mean((1, 2, 3), keepdim=True)
    variance = (crops - mean).square().mean((1, 2, 3), keepdim=True)
    return (crops - mean) / (variance + 1e-4).sqrt()


class Residual(nn.Module):
    """Two convolutions that add to what is there (He et al., arXiv 1603.05027)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        convolutions = (_convolution(channels, channels) for _ in range(2))
        self.added = nn.Sequential(*chain.from_iterable(convolutions))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.added(x)


def _halving(channels: int, wider: int) -> nn.Module:
    return nn.Sequential(*_convolution(channels, wider, stride=2))


def _convolution(channels: int, wider: int, stride: int = 1) -> tuple[nn.Module, ...]:
    conv = nn.Conv2d(channels, wider, 3, stride=stride, padding=1, bias=False)
    return nn.BatchNorm2d(channels), nn.GELU(), conv


def _by_step(x: Tensor) -> Tensor:
    """[B, F, STEPS · C] → [B, STEPS · F, C]."""
    return x.unflatten(-1, (STEPS, -1)).flatten(1, 2)


FORMAT = "voicesplat-lipreader-1"
_SHIPPED = "lipreader.safetensors"


def save_lipreader(net: LipReadNet, path: Path, training: Mapping[str, Any]) -> None:
    """Write the weights in half precision; `training` says how they were made."""
    save_network(net, path, FORMAT, options=asdict(net.options), training=training)


def load_lipreader(path: Path | None = None, device: torch.device | str = "cpu") -> LipReadNet:
    """Open a lip reader, by default the one that ships, frozen and ready for use on `device`.

    FileNotFoundError or InputError as `load_network` raises them.
    """
    with as_file(path or files("audio2mesh").joinpath("weights", _SHIPPED)) as found:
        net = load_network(found, FORMAT, "lip reader", _build)
    return net.to(device).requires_grad_(False)


def _build(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> LipReadNet:
    return LipReadNet(LipReadOptions(**json.loads(metadata["options"])))
