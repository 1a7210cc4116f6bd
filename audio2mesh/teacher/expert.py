"""Does this picture of a mouth belong to this sound? SyncNet on crops, the teacher's critic."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.mel import log_mel
from audio2mesh.sound.waveform import frame_energy
from audio2mesh.sync.segments import FPS, ITEM_FRAMES, Item
from audio2mesh.sync.towers import AudioTower
from audio2mesh.sync.windows import POINTS, level_mel
from audio2mesh.training.augment import AugmentOptions, augment

_EMBEDDING = 96
_DROPOUT = 0.15
_SHIFT = 3  # pixels by which pictures are moved at most


@dataclass(frozen=True)
class Film:
    """A recording with the mouth that spoke it, at 25 fps."""

    name: str
    audio: np.ndarray  # [S] float32, 16 kHz
    crops: np.ndarray  # [F, 88, 88] uint8


class CropExpert(nn.Module):
    """Two towers: sound and 5 crops at half their size."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.audio = AudioTower(width, _EMBEDDING, _DROPOUT)
        self.mouth = nn.Sequential(
            *_halving(POINTS, width // 4),
            *_halving(width // 4, width // 2),
            *_halving(width // 2, width),
            *_halving(width, width),
            nn.Flatten(),
            nn.Dropout(_DROPOUT),
            nn.Linear(9 * width, _EMBEDDING),
        )

    def embed_level(self, windows: Tensor) -> Tensor:
        """Windows [.., 20, 80] of levelled log-mel → embeddings [.., D]."""
        return self.audio(windows.flatten(0, -3)).unflatten(0, windows.shape[:-2])

    def embed_crops(self, crops: Tensor) -> Tensor:
        """Crops [B, F, 88, 88] in [0, 1] → embeddings [B, F - 4, D]."""
        small = functional.avg_pool2d(2 * crops - 1, 2)  # [B, F, 44, 44]
        windows = small.unfold(1, POINTS, 1).movedim(-1, 2)  # [B, W, 5, 44, 44]
        embedded = functional.normalize(self.mouth(windows.flatten(0, 1)), dim=-1)
        return embedded.unflatten(0, windows.shape[:2])


def _halving(channels: int, width: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(channels, width, 3, 2, 1), nn.GroupNorm(4, width), nn.GELU()


def pick_film(films: Sequence[Film], rng: np.random.Generator) -> Film:
    """A film by its length."""
    seconds = np.array([len(film.crops) for film in films], float)
    return films[int(rng.choice(len(films), p=seconds / seconds.sum()))]


def resting_crop(film: Film) -> Tensor:
    """The mouth [88, 88] in [0, 1] where the film is quietest: a twentieth of its frames."""
    energy = frame_energy([film.audio], FPS)[: len(film.crops)]
    quiet = np.sort(np.argsort(energy, kind="stable")[: max(1, len(energy) // 20)])
    return torch.from_numpy(np.median(film.crops[quiet], axis=0) / 255).float()


def cut_film(
    film: Film, films: Sequence[Film], options: AugmentOptions, rng: np.random.Generator
) -> Item:
    """Six seconds of a film, its sound changed; beyond its end it stands still in silence."""
    start = int(rng.integers(max(1, len(film.crops) - ITEM_FRAMES + 1)))
    at = np.minimum(np.arange(start, start + ITEM_FRAMES), len(film.crops) - 1)
    audio = np.zeros(ITEM_FRAMES * SAMPLE_RATE // FPS, np.float32)
    heard = film.audio[start * SAMPLE_RATE // FPS :][: len(audio)]
    audio[: len(heard)] = heard
    voices = [films[int(rng.integers(len(films)))].audio for _ in range(4)]
    changed = augment(audio, voices, options, rng)
    return Item(
        level_mel(log_mel(torch.from_numpy(changed))).half(), torch.from_numpy(film.crops[at])
    )


def change_crops(crops: Tensor, rng: np.random.Generator) -> Tensor:
    """Crops [F, 88, 88] uint8 → float in [0, 1], moved, mirrored, brighter or darker."""
    right, down = (int(value) for value in rng.integers(-_SHIFT, _SHIFT + 1, 2))
    moved = crops.roll((down, right), (1, 2)).float() / 255
    if rng.random() < 0.5:
        moved = moved.flip(2)
    return moved.clamp_min(1e-3) ** float(np.exp(rng.normal(0, 0.15)))
