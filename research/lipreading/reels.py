"""Reels: mouth crops with what was said in them, and the windows that training sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audio2mesh.data.phones import PHONES, Phone
from audio2mesh.lipreading.network import FPS, STEPS

UNKNOWN = -1
"""Label where no phone is known."""
_SHIFT = 5  # pixels by which a window is moved at most
_GRAIN = 0.02  # standard deviation of the noise in the pictures at most
_NOISE, _BIAS = 0.3, 1.0  # millimetres by which measures of a frame, of a person, are wrong
_SCALE = 0.2  # share of all by which they are
_BLINDED = 4  # frames that are hidden at most


@dataclass(frozen=True)
class Reel:
    """A mouth at 25 frames a second from one view; frame f is at (f + 0.5) / 25 s."""

    crops: np.ndarray  # [F, 88, 88] uint8; [F, 0, 0] where only the shape is drawn
    shape: np.ndarray  # [F, M] float32 measures of the mouth in millimetres
    phones: tuple[Phone, ...]  # empty where they are not known


@dataclass(frozen=True)
class LipBatch:
    """B windows of F frames."""

    crops: Tensor  # [B, F, 88, 88] in [0, 1]; [B, F, 0, 0] where only the shape is drawn
    shape: Tensor  # [B, F, M] mm
    labels: Tensor  # [B, 2F] phone at each half frame, UNKNOWN where it is not known
    targets: tuple[Tensor, ...]  # B times [n] the phones in order; none where they are not known

    def to(self, device: torch.device) -> "LipBatch":
        """The same on a device."""
        targets = tuple(target.to(device) for target in self.targets)
        return LipBatch(
            self.crops.to(device), self.shape.to(device), self.labels.to(device), targets
        )


Draw = Callable[[np.random.Generator, int, bool], Reel]
"""Draws a reel of so many frames, with crops or without."""


def draw_batch(draw: Draw, size: int, frames: int, rng: np.random.Generator) -> LipBatch:
    """Windows of one length. Light, place and side vary."""
    reels = [draw(rng, frames, True) for _ in range(size)]
    crops = [augmented(torch.from_numpy(reel.crops).float() / 255, rng) for reel in reels]
    return _batch(reels, torch.stack(crops), [torch.from_numpy(reel.shape) for reel in reels])


def draw_measures(draw: Draw, size: int, frames: int, rng: np.random.Generator) -> LipBatch:
    """Windows without pictures, whose measures are as wrong as if they were taken from some."""
    reels = [draw(rng, frames, False) for _ in range(size)]
    shapes = [_mismeasured(reel.shape, rng) for reel in reels]
    return _batch(reels, torch.empty(size, len(shapes[0]), 0, 0), shapes)


def _mismeasured(shape: np.ndarray, rng: np.random.Generator) -> Tensor:
    noise = rng.normal(0, _NOISE, shape.shape) + rng.normal(0, _BIAS, shape.shape[1])
    return torch.from_numpy(shape * rng.normal(1, _SCALE) + noise).float()


def _batch(reels: Sequence[Reel], crops: Tensor, shapes: Sequence[Tensor]) -> LipBatch:
    count = len(shapes[0])
    return LipBatch(
        crops=crops,
        shape=torch.stack(list(shapes)),
        labels=torch.stack([step_labels(reel.phones, 0, count) for reel in reels]),
        targets=tuple(target_of(reel.phones, 0, count) for reel in reels),
    )


def step_labels(phones: Sequence[Phone], start: int, frames: int) -> Tensor:
    """Row of the phone [2F] in the middle of each half frame from frame `start` on."""
    labels = torch.full((STEPS * frames,), UNKNOWN)
    times = (start + (torch.arange(STEPS * frames) + 0.5) / STEPS) / FPS
    for phone in phones:
        labels[(times >= phone.start) & (times < phone.end)] = PHONES.index(phone.label)
    return labels


def target_of(phones: Sequence[Phone], start: int, frames: int) -> Tensor:
    """Rows of the phones [n] whose middle lies in the window."""
    low, high = start / FPS, (start + frames) / FPS
    inside = [PHONES.index(p.label) for p in phones if low <= (p.start + p.end) / 2 < high]
    return torch.tensor(inside, dtype=torch.long)


def augmented(crops: Tensor, rng: np.random.Generator) -> Tensor:
    """A window [F, 88, 88] as another camera would have seen it, in part hidden."""
    if rng.random() < 0.5:
        crops = crops.flip(2)
    right, down = (int(value) for value in rng.integers(0, 2 * _SHIFT + 1, 2))
    size = crops.shape[-1]
    padded = functional.pad(crops[:, None], (_SHIFT,) * 4, mode="replicate")[:, 0]
    crops = padded[:, down : down + size, right : right + size]
    if rng.random() < 0.5:
        crops = crops.lerp(functional.avg_pool2d(crops[:, None], 3, 1, 1)[:, 0], rng.random())
    crops = crops.clamp_min(1e-3) ** float(np.exp(rng.uniform(-0.4, 0.4)))
    crops = crops + float(rng.uniform(0, _GRAIN)) * torch.from_numpy(
        rng.standard_normal(crops.shape, np.float32)
    )
    hidden = int(rng.integers(0, _BLINDED + 1))
    first = int(rng.integers(0, max(1, len(crops) - hidden)))
    crops[first : first + hidden] = crops.mean((0, 1, 2))
    return crops
