"""Light as lamps, "key 45 30 1.0 #ffd9b0, rim -150 20 0.6", and named presets of these."""

import math

import numpy as np

from avatar.geometry.coloured import to_linear
from avatar.lighting.environment import Lobe
from common.colours import parse_colour
from common.errors import InputError

SHARPNESS = {
    "ambient": 0.0,
    "sky": 1.0,
    "fill": 3.0,
    "key": 9.0,
    "rim": 12.0,
    "window": 30.0,
    "spot": 80.0,
    "sun": 200.0,
}
"""How narrow each kind of lamp is: the sharpness of its spherical Gaussian."""

PRESETS = {
    "studio": "key -35 30 0.85 #fff4e8, fill 50 5 0.25 #e6efff, rim 140 28 0.7, "
    "rim -140 20 0.35 #dfe9ff, sky 0 90 0.3 #f4f8ff, ambient 0 0 0.06",
    "window": "window 65 15 1.1 #eef4ff, fill -80 -10 0.06 #ffe6c8, sky 0 90 0.1 #dfe6f2, "
    "ambient 0 0 0.03",
    "overcast": "sky 0 90 0.9 #eef3fa, ambient 0 0 0.12",
    "golden-hour": "sun 62 9 1.05 #ffa860, sky 0 90 0.28 #a9c4f0, fill -70 -5 0.14 #ffcfa0, "
    "ambient 0 0 0.03",
    "stage": "spot -38 42 0.9 #fff2dd, rim 150 25 0.9 #3c63ff, rim -150 25 0.8 #ff2e63, "
    "ambient 0 0 0.02 #8090ff",
    "night-street": "spot 68 52 0.5 #ffb45a, rim -115 8 0.45 #3f7bff, fill -55 -8 0.1 #ff4fa0, "
    "ambient 0 0 0.03 #6070b0",
}
"""Lists of lamps by name."""

BRIGHTEST = 1000.0  # strength of a lamp
FORMAT = (
    "name each lamp's kind, azimuth and elevation in degrees, strength and, if it is not white, "
    'colour, with commas between: "key 45 30 1.0 #ffd9b0, rim -150 20 0.6"'
)


def parse_light(text: str) -> list[Lobe]:
    """The lamps of a list, or of a preset by name. Raises InputError: one sentence."""
    lobes = [_lamp(text, part.split()) for part in PRESETS.get(text.strip(), text).split(",")]
    if not any(lobe.strength * max(lobe.colour) > 0 for lobe in lobes):
        raise InputError(f"--light {text!r}: is dark; give a lamp a strength above 0")
    return lobes


def _lamp(text: str, parts: list[str]) -> Lobe:
    def wrong(why: str) -> InputError:
        return InputError(f"--light {text!r}: {why}; {FORMAT}")

    if len(parts) == 1 or not parts or parts[0] not in SHARPNESS:
        known = f"{', '.join(PRESETS)}; lamps are {', '.join(SHARPNESS)}"
        kind = parts[0] if parts else "nothing"
        raise wrong(f"{kind!r} is neither a file, a preset nor a lamp (presets are {known})")
    if len(parts) not in (4, 5):
        raise wrong(f"{' '.join(parts)!r} has {len(parts) - 1} values, not 3 or 4")
    try:
        azimuth, elevation, strength = (float(part) for part in parts[1:4])
    except ValueError:
        raise wrong(f"{' '.join(parts[1:4])!r} are not three numbers") from None
    if not (math.isfinite(azimuth) and -90 <= elevation <= 90):
        raise wrong(f"{parts[0]} {parts[1]} {parts[2]}: elevations are from -90 to 90 degrees")
    if not 0 <= strength <= BRIGHTEST:
        raise wrong(f"strength {parts[3]}: must be from 0 to {BRIGHTEST:g}")
    red, green, blue = to_linear(np.array(parse_colour(parts[4] if len(parts) == 5 else "white")))
    return Lobe(azimuth, elevation, strength, SHARPNESS[parts[0]], (red, green, blue))
