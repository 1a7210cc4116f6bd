"""A light by its name: a file of a picture, a preset, or words.

Pictures of high dynamic range in Radiance's format (.hdr, .pic): RGBE, run-length coded or not.

A line of text for each fact, an empty line, the size, then pixels of four bytes: red, green, blue
and their exponent; value = mantissa · 2^(exponent - 136) (Ward, Real Pixels, Graphics Gems II).
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.geometry.coloured import to_linear
from avatar.geometry.vectors import Floats, sphere_directions
from avatar.lighting.environment import (
    Environment,
    EnvironmentRotation,
    Light,
    environment,
    irradiance,
    lamps,
)
from avatar.lighting.exr import read_exr
from avatar.lighting.options import LightOptions
from avatar.lighting.presets import parse_light
from common.colours import parse_colour
from common.errors import InputError, check_file

MAGIC = (b"#?RADIANCE", b"#?RGBE")
MOST_PIXELS = 2**25
LONGEST_HEADER = 2**16
NEW_RUNS = range(8, 32768)  # widths whose lines may be coded channel by channel
SIZE = re.compile(rb"([+-])Y (\d{1,6}) ([+-])X (\d{1,6})\n")


def read_hdr(data: bytes) -> NDArray[np.float32]:
    """The picture [H, W, 3] in the bytes of a file. Raises InputError: what is wrong with it."""
    if not data.startswith(MAGIC):
        raise InputError("is no .hdr picture: it does not begin with #?RADIANCE; export it again")
    end = data.find(b"\n\n", 0, LONGEST_HEADER)
    size = SIZE.match(data, end + 2) if end >= 0 else None
    if size is None:
        raise InputError("its header has no line with the picture's size, as -Y 512 +X 1024")
    facts = data[:end].splitlines()
    form = next((line[7:].strip() for line in facts if line.startswith(b"FORMAT=")), b"")
    if form not in (b"32-bit_rle_rgbe", b""):
        raise InputError(f"its format is {form.decode('latin-1')}, not 32-bit_rle_rgbe")
    height, width = int(size[2]), int(size[4])
    if not 0 < height * width <= MOST_PIXELS:
        raise InputError(f"says it has {width}x{height} pixels; give one of at most 2^25")
    pixels = _pixels(np.frombuffer(data, np.uint8, offset=size.end()), height, width)
    rows = slice(None, None, -1) if size[1] == b"+" else slice(None)
    columns = slice(None, None, -1) if size[3] == b"-" else slice(None)
    return _floats(pixels)[rows, columns]


def _floats(rgbe: NDArray[np.uint8]) -> NDArray[np.float32]:
    scale = np.ldexp(np.float32(1), rgbe[..., 3].astype(np.int32) - 136)
    scale[rgbe[..., 3] == 0] = 0
    return rgbe[..., :3].astype(np.float32) * scale[..., None]


def _pixels(data: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """[H, W, 4] of coded lines."""
    if len(data) < 4 * height and len(data) < 4 * height * width:
        raise InputError("is cut short")
    if len(data) == 4 * height * width and not (data.reshape(-1, 4)[:, :3] == 1).all(1).any():
        return data.reshape(height, width, 4)  # no runs at all
    pixels = np.empty((height, width, 4), np.uint8)
    place = 0
    for row in range(height):
        start = data[place : place + 4]
        coded = len(start) == 4 and start[0] == start[1] == 2 and start[2] < 128
        if coded and width in NEW_RUNS:
            if int(start[2]) << 8 | int(start[3]) != width:
                raise InputError(f"line {row} has another length than the picture")
            place = _channels(data, place + 4, pixels[row], row)
        else:
            place = _old_line(data, place, pixels[row], row)
    return pixels


def _channels(data: NDArray[np.uint8], place: int, line: NDArray[np.uint8], row: int) -> int:
    """Fill a line [W, 4] channel by channel; returns where the next one begins."""
    width = len(line)
    for channel in range(4):
        column = 0
        while column < width:
            if place + 1 >= len(data):
                raise InputError(f"is cut short in line {row}")
            count = int(data[place])
            run = count > 128
            count -= 128 if run else 0
            taken = 1 if run else count
            values = data[place + 1 : place + 1 + taken]
            if count == 0 or column + count > width or len(values) < taken:
                raise InputError(f"its line {row} is damaged")
            line[column : column + count, channel] = values
            column, place = column + count, place + 1 + taken
    return place


def _old_line(data: NDArray[np.uint8], place: int, line: NDArray[np.uint8], row: int) -> int:
    """Fill a line [W, 4] pixel by pixel, where 1 1 1 n repeats the last one n times, or n · 256
    times directly after another repetition; returns where the next one begins."""
    column, shift = 0, 0
    while column < len(line):
        pixel = data[place : place + 4]
        if len(pixel) < 4:
            raise InputError(f"is cut short in line {row}")
        place += 4
        if (pixel[:3] == 1).all():
            count = int(pixel[3]) << shift
            if column == 0 or column + count > len(line):
                raise InputError(f"its line {row} is damaged")
            line[column : column + count] = line[column - 1]
            column, shift = column + count, min(shift + 8, 24)
        else:
            line[column] = pixel
            column, shift = column + 1, 0
    return place


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
    return Light(environment, EnvironmentRotation(options.light_turn, options.light_spin), skin)


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
