"""A light by its name: a file of a picture, a preset, or words."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from avatar.light.environment import Environment, environment, irradiance, lamps
from avatar.light.exr import read_exr
from avatar.light.hdr import read_hdr
from avatar.light.words import parse_light
from avatar.mesh.vectors import Floats, sphere_directions
from common.errors import InputError, check_file

READERS = {".hdr": read_hdr, ".pic": read_hdr, ".exr": read_exr}
ENOUGH = 512  # rows of a picture
BRIGHTEST = 1e8  # radiance of a pixel: brighter than the sun's disc beside its sky


def read_light(said: str) -> Environment:
    """The light that --light names. A picture's units are unknown: its light is scaled so that
    white that faces where most of it comes from is shown as white.

    Raises FileNotFoundError, OSError or InputError, in one sentence.
    """
    changed = Path(said).stat().st_mtime_ns if is_picture(said) and Path(said).is_file() else 0
    return _read_light(said, changed)


@lru_cache(1)
def _read_light(said: str, changed: int) -> Environment:
    """`read_light` of a file as it was when it was last changed: it is asked for to be checked, and
    again to be used."""
    if not is_picture(said):
        return lamps(parse_light(said))
    light = environment(read_radiance(Path(said)))
    brightest = irradiance(light, sphere_directions(200)).mean(1).max()
    return Environment(light.radiance / brightest, light.directions, light.energy / brightest)


def is_picture(said: str) -> bool:
    """Whether --light names a file."""
    return Path(said).suffix.lower() in READERS


def read_radiance(path: Path) -> Floats:
    """The picture [H, W, 3] float32 of a sky, linear, as `environment` takes it. Raises as
    `read_light`."""
    check_file(path)
    try:
        radiance = READERS[path.suffix.lower()](path.read_bytes())
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    height, width = radiance.shape[:2]
    if not np.isfinite(radiance).all():
        raise InputError(f"{path}: has pixels that are infinite or no numbers; mend them first")
    if abs(width / height - 2) > 0.1:
        raise InputError(
            f"{path}: is {width}x{height} pixels, but a picture of all around is twice as wide as "
            "high; give an equirectangular one"
        )
    radiance = _smaller(np.clip(radiance, 0, BRIGHTEST))
    if not radiance.mean() > 1e-12:
        raise InputError(f"{path}: is black, so it gives no light")
    return radiance


def _smaller(radiance: Floats) -> Floats:
    """A picture of no more than 2 * ENOUGH rows, if it can be halved: means of four pixels."""
    while len(radiance) >= 2 * ENOUGH and not any(size % 2 for size in radiance.shape[:2]):
        pairs = radiance[0::2] + radiance[1::2]
        radiance = (pairs[:, 0::2] + pairs[:, 1::2]) / 4
    return radiance
