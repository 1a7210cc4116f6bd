"""Reflectance of skin, lips, teeth, eyes, hair and cloth; the light-independent surface of each
Gaussian with its packed visibility; and the tone curve from linear light to sRGB with its inverse.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from avatar.geometry.vectors import Floats, Ints

SKIN, LIPS, MOUTH, TEETH, EYES, STRAND, CLOTH = range(7)

SOFT = (0.30, 0.12, 0.06)  # how far red, green and blue pass the terminator in flesh
ROUGHNESS = (8.0, 40.0, 110.0)  # sharpness of the lobes that blur reflections

_ROWS = {
    # widths of the wrap, strand, reflectance at normal incidence and at grazing angles, roughness;
    # -1 for a diffuse material, which is visible from behind as well
    SKIN: (*SOFT, 0, 0.024, 0.10, 0),
    LIPS: (*SOFT, 0, 0.028, 0.14, 1),
    MOUTH: (*SOFT, 0, 0.024, 0.10, 1),
    TEETH: (0.10, 0.08, 0.06, 0, 0.050, 0.20, 2),
    EYES: (0.06, 0.04, 0.03, 0, 0.030, 0.30, 2),
    STRAND: (0, 0, 0, 1, 0, 0, -1),
    CLOTH: (0, 0, 0, 0, 0, 0, -1),
}
MATERIALS = np.array([_ROWS[number] for number in range(len(_ROWS))], np.float32)  # [K, 7]
DIFFUSE_MATERIALS = MATERIALS * np.array([1, 1, 1, 1, 0, 0, 0], np.float32)
DIFFUSE_MATERIALS[:, 6] = -1
"""The same where no viewer is known."""


JAW, LIDS, STILL = range(3)


class Surfaces(NamedTuple):
    """The surface of each Gaussian, in its own frame."""

    normals: Floats  # [N, 3] float32 unit
    tangents: Floats  # [N, 3] float32 unit, along the longest axis
    material: Ints  # [N] uint8 row of MATERIALS
    albedo: Floats  # [N, 3] float32 linear
    rest: Ints  # [N, D / 2] uint8, two shares of visibility: see `packed`
    opened: Ints  # [N, D / 2] uint8, with the jaw open and the lids shut
    follows: Ints  # [N] uint8: JAW, LIDS or STILL, by whose opening the two are mixed
    access: Floats  # [N, 2] float32 share of a uniform sky that arrives, at rest and opened

    def of(self, rows: Ints) -> "Surfaces":
        """Some Gaussians [n]."""
        return Surfaces._make(part[rows] for part in self)


def packed(visibility: Floats) -> Ints:
    """Shares in [0, 1] [N, D] in steps of 1/15: the first half of the directions in the low four
    bits of each byte, the second half in the high ones."""
    steps = np.round(np.clip(visibility, 0, 1) * 15).astype(np.uint8)
    half = steps.shape[1] // 2
    return steps[:, :half] | steps[:, half:] << 4


def unpacked(table: Ints) -> Floats:
    """The inverse of `packed`, float32."""
    return np.concatenate([table & 15, table >> 4], axis=1).astype(np.float32) / 15


def where_still(surfaces: Surfaces) -> Surfaces:
    """The same, marked as STILL where both tables are equal."""
    moves = (surfaces.rest != surfaces.opened).any(1)
    return surfaces._replace(follows=np.where(moves, surfaces.follows, STILL).astype(np.uint8))


KNEE = 0.55  # where the tone curve begins to bend
BRIGHTEST = 0.995  # sRGB that is inverted at most: white itself has no radiance


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
