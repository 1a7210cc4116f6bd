"""A folder of two clips and a training of two steps on it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from support import write_wav

from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.data.options import SourceOptions
from audio2mesh.data.sources import TrainingData, load_sources, to_common_basis
from audio2mesh.training.options import FitOptions, TrainOptions
from audio2mesh.training.run import Scores, fit

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


def small_data(data: Path) -> TrainingData:
    """Training on clip "one", scores of "two"."""
    options = SourceOptions((data,), held_out=("two",))
    return to_common_basis(load_sources(options, UNITS, FACE, "test head"))


def small_steps(**changes) -> TrainOptions:
    """Two steps."""
    small = TrainOptions(steps=2, batch=1, passes=1, refresh=10, windows=2, save_every=1)
    return replace(small, **changes)


def small_fit(data: Path, out: Path, critics=None, cache: Path | None = None, **changes) -> Scores:
    """Train on clip "one" and write weights; returns the scores of "two"."""
    options = FitOptions(cache=cache, train=small_steps(**changes))
    return fit(options, out, small_data(data), critics or {}, torch.device("cpu"))
