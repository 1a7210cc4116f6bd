"""A folder of two clips and a training of two steps on it."""

from pathlib import Path

import numpy as np
import torch
from support import write_wav

from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.training.run import FitOptions
from audio2mesh.training.trainer import TrainOptions

V = 12
FACE = FaceGeometry(
    torch.randn(V, 3, generator=torch.Generator().manual_seed(0)),
    torch.arange(V),
    torch.arange(3),
    torch.arange(3, 6),
    torch.arange(6, 9),
    torch.arange(0),
)
UNITS = FaceUnits(
    ("jawOpen", "mouthClose"),
    torch.randn(2, V, 3, generator=torch.Generator().manual_seed(1)) / 100,
)


def write_clips(folder: Path) -> Path:
    """Two clips of ten seconds, "one" and "two"."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        write_wav(folder / f"{name}.wav", 0.1 * rng.standard_normal(160_000))
        weights = rng.uniform(0, 1, (300, 2)).astype(np.float32)
        names = np.array(["jawOpen", "mouthClose"])
        np.savez(folder / f"{name}.npz", arkit=weights, arkit_names=names, fps=np.array(30.0))
    return folder


def fit_options(data: Path, **changes) -> FitOptions:
    """Two steps on clip "one", scored on "two"."""
    small = TrainOptions(steps=2, batch=1, passes=1, refresh=10, windows=2)
    return FitOptions((data,), **{"validation": ("two",), "train": small, "every": 1} | changes)
