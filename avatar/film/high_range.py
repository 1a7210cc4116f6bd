"""Pictures of high dynamic range → those of an ordinary screen.

PQ and HLG as in ITU-R BT.2100; diffuse white at 203 cd/m² as in BT.2408. What is darker than most
of that keeps its brightness, as faces do; what is brighter is squeezed into the rest, with its hue.
"""

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Transfer = Literal["pq", "hlg"]
TRANSFERS: dict[int, Transfer] = {16: "pq", 18: "hlg"}
"""By the number of the transfer characteristics (ITU-T H.273, table 3)."""

WHITE = 203.0  # cd/m²
HLG_PEAK, HLG_GAMMA = 1000.0, 1.2  # cd/m² of the screen for which HLG is meant, and its gamma
KNEE = 0.7  # of white: where squeezing begins
CODES = 1 << 16
FROM_BT2020 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
"""Linear red, green, blue of BT.2020 → of sRGB (ITU-R BT.2087)."""
HLG_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)

Floats = NDArray[np.float32]


def standard_range(picture: NDArray[np.uint16], transfer: Transfer) -> NDArray[np.uint8]:
    """Codes [H, W, 3] of BT.2020 red, green and blue, 0..65535, → sRGB [H, W, 3] in 0..255."""
    linear = _linear_of_codes(transfer)[picture]
    if transfer == "hlg":
        luminance = (linear @ HLG_LUMINANCE)[..., None]
        linear *= HLG_PEAK / WHITE * np.maximum(luminance, 1e-6) ** (HLG_GAMMA - 1)
    linear = np.maximum(linear @ FROM_BT2020.T, 0.0)
    brightest = np.maximum(linear.max(-1, keepdims=True), 1e-6)
    linear *= _squeezed(brightest) / brightest
    return _srgb_of_linear()[np.round(linear * (CODES - 1)).astype(np.uint16)]


@cache
def _linear_of_codes(transfer: Transfer) -> Floats:
    """Light of every code: PQ in whites, HLG in the scene's [0, 1]."""
    code = np.linspace(0.0, 1.0, CODES)
    if transfer == "pq":
        power = code ** (32 / 2523)
        base = np.maximum(power - 0.8359375, 0.0) / (18.8515625 - 18.6875 * power)
        return (10_000.0 / WHITE * base ** (8192 / 1305)).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    bright = (np.exp((code - c) / a) + b) / 12
    return np.where(code <= 0.5, code**2 / 3, bright).astype(np.float32)


@cache
def _srgb_of_linear() -> NDArray[np.uint8]:
    linear = np.linspace(0.0, 1.0, CODES)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(curve * 255).astype(np.uint8)


def _squeezed(light: Floats) -> Floats:
    """Light in whites → [0, 1]: unchanged up to the knee, then ever slower."""
    over = np.maximum(light - KNEE, 0.0) / (1 - KNEE)
    return np.asarray(np.minimum(light, KNEE) + (KNEE - 1) * np.expm1(-over), np.float32)
