"""Any number of channels → one or two."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

HALF_POWER = math.sqrt(0.5)


def stereo_downmix(names: Sequence[str]) -> Samples:
    """[C, 2] weights of ITU-R BS.775 (no low-frequency channel), scaled so that nothing clips."""
    weights = np.array([_stereo_weights(name) for name in names], np.float32)
    return weights / np.maximum(weights.sum(axis=0), 1e-6)


def _stereo_weights(name: str) -> tuple[float, float]:
    if name.startswith("LFE"):
        return 0.0, 0.0
    front = 1.0 if name.startswith("F") else HALF_POWER
    if name.endswith("L"):
        return front, 0.0
    if name.endswith("R"):
        return 0.0, front
    return HALF_POWER, HALF_POWER


def with_channels(samples: Samples, channels: int) -> Samples:
    """[s, 1 or 2] → [s, channels]."""
    if samples.shape[1] == channels:
        return samples
    if channels == 1:
        return samples.mean(axis=1, keepdims=True)
    return np.repeat(samples, 2, axis=1)
