"""A light by name: an environment map's file, a preset, or a list of lamps."""

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from av import CodecContext, Packet, VideoFrame
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
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
from avatar.lighting.options import LightOptions
from avatar.lighting.presets import parse_light
from common.colours import parse_colour
from common.errors import InputError, check_file, check_idle, naming

DECODERS = {".hdr": "hdr", ".pic": "hdr", ".exr": "exr"}
KINDS = {"gbrpf16le": "<f2", "gbrpf32le": "<f4"}  # of the values, by FFmpeg's name of the pixels
MOST_PIXELS = 2**25


def read_pixels(data: bytes, decoder: str) -> NDArray[np.float32]:
    """The picture [H, W, 3] in the bytes of a file, by one of FFmpeg's decoders. Raises InputError:
    what is wrong with it."""
    context = CodecContext.create(decoder, "r")
    assert isinstance(context, VideoCodecContext)
    context.options = {"max_pixels": str(MOST_PIXELS)}
    try:
        frames = [*context.decode(Packet(data)), *context.decode(None)]
    except FFmpegError:
        frames = []
    if len(frames) != 1 or not isinstance(frames[0], VideoFrame):
        raise InputError(
            "is no picture that can be read, or has more than 2^25 pixels; export it again, as "
            ".hdr or as .exr with R, G and B"
        )
    kind = KINDS.get(frames[0].format.name)
    if kind is None:
        raise InputError("holds whole numbers; export it with half or whole floats")
    planes = [
        np.frombuffer(bytes(plane), kind).reshape(plane.height, -1)[:, : plane.width]
        for plane in frames[0].planes  # green, blue, red
    ]
    return np.stack([planes[2], planes[0], planes[1]], -1).astype(np.float32)


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
        lit = ("light_turn", "light_spin", "light_skin", "light_background")
        check_idle(options, dict.fromkeys(lit, (False, "--light")))
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
    return Path(name).suffix.lower() in DECODERS


def read_radiance(path: Path) -> Floats:
    """The picture [H, W, 3] float32 of a sky, linear, as `environment` takes it. Raises as
    `read_light`."""
    check_file(path)
    with naming(path):
        radiance = read_pixels(path.read_bytes(), DECODERS[path.suffix.lower()])
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
