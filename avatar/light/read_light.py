"""A light by its name: a file of a picture, a preset, or words."""

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from avatar.light.environment import Course, Environment, Light, environment, irradiance, lamps
from avatar.light.exr import read_exr
from avatar.light.hdr import read_hdr
from avatar.light.options import LightOptions
from avatar.light.words import parse_light
from avatar.mesh.coloured import to_linear
from avatar.mesh.vectors import Floats, sphere_directions
from common.colours import parse_colour
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


@lru_cache(4)
def _read_light(said: str, changed: int) -> Environment:
    """`read_light` of a file as it was when it was last changed: many films may stand in it."""
    if not is_picture(said):
        return lamps(parse_light(said))
    light = environment(read_radiance(Path(said)))
    brightest = irradiance(light, sphere_directions(200)).mean(1).max()
    return Environment(light.radiance / brightest, light.directions, light.energy / brightest)


def light_of(options: LightOptions) -> Light | None:
    """The light that the options mean; None: that in the avatar's colours. Raises as `read_light`,
    and InputError for an option that has nothing to do."""
    if options.light is None:
        for name in ("light_turn", "light_spin", "light_skin"):
            if getattr(options, name):
                flag = name.replace("_", "-")
                raise InputError(f"--{flag}: has nothing to do without --light; leave it out")
        return None
    environment = read_light(options.light)
    for name in ("light_turn", "light_spin"):
        if not math.isfinite(getattr(options, name)):
            flag = name.replace("_", "-")
            raise InputError(f"--{flag} {getattr(options, name)}: must be a number of degrees")
    skin = None
    if options.light_skin is not None:
        red, green, blue = to_linear(np.array(parse_colour(options.light_skin)))
        skin = red, green, blue
    return Light(environment, Course(options.light_turn, options.light_spin), skin)


def read_lights(lights: Sequence[str]) -> dict[str, Environment]:
    """The lights that --lights names, by these names. Raises as `read_light`."""
    try:
        return {said: read_light(said) for said in lights}
    except InputError as error:
        raise InputError(str(error).replace("--light ", "--lights ")) from None


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
