"""A light by name: an environment map's file, a preset, or a list of lamps.

Radiance's format (.hdr, .pic) is a line of text for each attribute, an empty line, the size, then
RGBE pixels, run-length coded or not: red, green, blue and their exponent, where value = mantissa ·
2^(exponent - 136) (Ward, Real Pixels, Graphics Gems II).
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
RLE_WIDTHS = range(8, 32768)  # widths whose lines may be coded channel by channel
SIZE = re.compile(rb"([+-])Y (\d{1,6}) ([+-])X (\d{1,6})\n")


def read_hdr(data: bytes) -> NDArray[np.float32]:
    """The picture [H, W, 3] in the bytes of a file. Raises InputError: what is wrong with it."""
    if not data.startswith(MAGIC):
        raise InputError("is no .hdr picture: it does not begin with #?RADIANCE; export it again")
    end = data.find(b"\n\n", 0, LONGEST_HEADER)
    size = SIZE.match(data, end + 2) if end >= 0 else None
    if size is None:
        raise InputError("its header has no line with the picture's size, as -Y 512 +X 1024")
    lines = data[:end].splitlines()
    form = next((line[7:].strip() for line in lines if line.startswith(b"FORMAT=")), b"")
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
    offset = 0
    for row in range(height):
        start = data[offset : offset + 4]
        coded = len(start) == 4 and start[0] == start[1] == 2 and start[2] < 128
        if coded and width in RLE_WIDTHS:
            if int(start[2]) << 8 | int(start[3]) != width:
                raise InputError(f"line {row} has another length than the picture")
            offset = _channels(data, offset + 4, pixels[row], row)
        else:
            offset = _old_line(data, offset, pixels[row], row)
    return pixels


def _channels(data: NDArray[np.uint8], offset: int, line: NDArray[np.uint8], row: int) -> int:
    """Fill a line [W, 4] channel by channel; returns where the next one begins."""
    width = len(line)
    for channel in range(4):
        column = 0
        while column < width:
            if offset + 1 >= len(data):
                raise InputError(f"is cut short in line {row}")
            count = int(data[offset])
            run = count > 128
            count -= 128 if run else 0
            taken = 1 if run else count
            values = data[offset + 1 : offset + 1 + taken]
            if count == 0 or column + count > width or len(values) < taken:
                raise InputError(f"its line {row} is damaged")
            line[column : column + count, channel] = values
            column, offset = column + count, offset + 1 + taken
    return offset


def _old_line(data: NDArray[np.uint8], offset: int, line: NDArray[np.uint8], row: int) -> int:
    """Fill a line [W, 4] pixel by pixel, where 1 1 1 n repeats the last one n times, or n · 256
    times directly after another repetition; returns where the next one begins."""
    column, shift = 0, 0
    while column < len(line):
        pixel = data[offset : offset + 4]
        if len(pixel) < 4:
            raise InputError(f"is cut short in line {row}")
        offset += 4
        if (pixel[:3] == 1).all():
            count = int(pixel[3]) << shift
            if column == 0 or column + count > len(line):
                raise InputError(f"its line {row} is damaged")
            line[column : column + count] = line[column - 1]
            column, shift = column + count, min(shift + 8, 24)
        else:
            line[column] = pixel
            column, shift = column + 1, 0
    return offset


READERS = {".hdr": read_hdr, ".pic": read_hdr, ".exr": read_exr}
MOST_ROWS = 512  # rows of a picture
BRIGHTEST = 1e8  # radiance of a pixel: brighter than the sun's disc beside its sky


def read_light(name: str) -> Environment:
    """The light that --light names. A picture's units are unknown: its light is scaled so that
    a white surface that faces most of it is displayed as white.

    Raises FileNotFoundError, OSError or InputError, in one sentence.
    """
    changed = Path(name).stat().st_mtime_ns if is_picture(name) and Path(name).is_file() else 0
    return _read_light(name, changed)


@lru_cache(4)
def _read_light(name: str, changed: int) -> Environment:
    """`read_light` of a file, cached by the time of its last change."""
    if not is_picture(name):
        return lamps(parse_light(name))
    light = environment(read_radiance(Path(name)))
    brightest = irradiance(light, sphere_directions(200)).mean(1).max()
    return Environment(light.radiance / brightest, light.directions, light.energy / brightest)


def light_of(options: LightOptions) -> Light | None:
    """The light of the options; None: that in the avatar's colours. Raises as `read_light`,
    and InputError for an option that has nothing to do."""
    if options.light is None:
        for name in ("light_turn", "light_spin", "light_skin"):
            if getattr(options, name):
                flag = name.replace("_", "-")
                raise InputError(f"--{flag}: has nothing to do without --light; leave it out")
        return None
    environment = read_light(options.light)
    for flag, degrees in (("turn", options.light_turn), ("spin", options.light_spin)):
        if not math.isfinite(degrees):
            raise InputError(f"--light-{flag} {degrees}: must be a number of degrees")
    skin = None
    if options.light_skin is not None:
        red, green, blue = to_linear(np.array(parse_colour(options.light_skin)))
        skin = red, green, blue
    return Light(environment, EnvironmentRotation(options.light_turn, options.light_spin), skin)


def read_lights(lights: Sequence[str]) -> dict[str, Environment]:
    """The lights of --lights by name. Raises as `read_light`."""
    try:
        return {name: read_light(name) for name in lights}
    except InputError as error:
        raise InputError(str(error).replace("--light ", "--lights ")) from None


def is_picture(name: str) -> bool:
    """Whether --light names a file."""
    return Path(name).suffix.lower() in READERS


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
    """A picture of no more than 2 * MOST_ROWS rows, if it can be halved: means of four pixels."""
    while len(radiance) >= 2 * MOST_ROWS and not any(size % 2 for size in radiance.shape[:2]):
        pairs = radiance[0::2] + radiance[1::2]
        radiance = (pairs[:, 0::2] + pairs[:, 1::2]) / 4
    return radiance
