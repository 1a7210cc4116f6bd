"""The options of the light that an avatar stands in, and their limits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from common.colours import parse_colour
from common.errors import InputError


@dataclass(frozen=True, kw_only=True)
class LightOptions:
    """The light that an avatar stands in."""

    light: str | None = None
    """The light that the avatar stands in: an equirectangular .hdr or .exr; studio, window,
    overcast, golden-hour, stage or night-street; or lamps by kind, azimuth, elevation, strength and
    colour, as in "key 45 30 1.0 #ffd9b0, rim -150 20 0.6"; by default that in its colours."""
    light_turn: float = 0.0
    """Degrees by which --light is turned around the head, to the subject's left."""
    light_spin: float = 0.0
    """Degrees a second by which it goes on turning."""
    light_skin: str | None = None
    """The mean colour of the skin in white light, #rrggbb, where the avatar's colours hold light;
    by default it is guessed from them."""


@dataclass(frozen=True, kw_only=True)
class LightsOptions:
    """The lights that can be chosen while an avatar is looked at."""

    lights: tuple[str, ...] = ()
    """Lights that the page's panel offers beside that in the avatar's colours, each as --light of
    driving names it: studio, window, overcast, golden-hour, stage, night-street, a picture (.hdr,
    .exr) or lamps in words. They are baked at rest and turn with the head; each adds about 0.17 MB
    to the page."""


def check_lights(lights: Sequence[str]) -> None:
    """Refuse, in one sentence, a light that cannot be. InputError, FileNotFoundError, OSError."""
    if lights:
        from avatar.light.read_light import read_light  # noqa: PLC0415  --help needs no torch

        for said in lights:
            try:
                read_light(said)
            except InputError as error:
                raise InputError(str(error).replace("--light ", "--lights ")) from None


def check_light(options: LightOptions) -> None:
    """Refuse, in one sentence, a light that cannot be, and what has nothing to do.

    Raises InputError, FileNotFoundError or OSError.
    """
    if options.light is not None:
        from avatar.light.read_light import read_light  # noqa: PLC0415  --help needs no torch

        read_light(options.light)
        for name in ("light_turn", "light_spin"):
            if not math.isfinite(getattr(options, name)):
                flag = name.replace("_", "-")
                raise InputError(f"--{flag} {getattr(options, name)}: must be a number of degrees")
        if options.light_skin is not None:
            parse_colour(options.light_skin)
        return
    for name in ("light_turn", "light_spin", "light_skin"):
        if getattr(options, name):
            flag = name.replace("_", "-")
            raise InputError(f"--{flag}: has nothing to do without --light; leave it out")
