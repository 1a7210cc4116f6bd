"""The one curve from linear light to sRGB, and the way back."""

import numpy as np
from numpy.typing import ArrayLike

from avatar.mesh.vectors import Floats

KNEE = 0.55  # where the tone curve begins to bend
BRIGHTEST = 0.995  # sRGB whose radiance is told: white itself has none


def tone(radiance: Floats) -> Floats:
    """sRGB in [0, 1]: straight to the KNEE, a soft shoulder above, then gamma 2.2."""
    over = (radiance - KNEE) / (1 - KNEE)
    bent = np.where(radiance < KNEE, radiance, KNEE + (1 - KNEE) * (1 - np.exp(-over)))
    return np.clip(bent, 0, 1) ** (1 / 2.2)


def untoned(srgb: ArrayLike) -> Floats:
    """The radiance of sRGB in [0, 1]: the inverse of `tone`."""
    bent = np.clip(srgb, 0, BRIGHTEST) ** 2.2
    over = -np.log(1 - np.maximum(bent - KNEE, 0) / (1 - KNEE))
    return np.where(bent < KNEE, bent, KNEE + (1 - KNEE) * over)


def tone_table(per_root: int, brightest: float = 16.0) -> Floats:
    """`tone` float32 [C] at the squares of 0, 1 / per_root, 2 / per_root … up to `brightest`."""
    roots = np.arange(int(brightest**0.5 * per_root) + 2) / per_root
    return tone(roots**2).astype(np.float32)
