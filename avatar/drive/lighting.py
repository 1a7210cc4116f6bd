"""The light of a film: as its options say, on an avatar of any kind."""

import math
import sys
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from avatar.drive.film_options import FilmOptions
from avatar.drive.light_options import LightOptions
from avatar.files.open_avatar import open_avatar
from avatar.light.backdrop import Backdrop, backdrop
from avatar.light.bake import PARTS
from avatar.light.estimate import Estimate
from avatar.light.prepare import surfaces_of
from avatar.light.read_light import read_light
from avatar.light.relight import Course, Lit, relit
from avatar.mesh.coloured import to_linear, to_srgb
from avatar.mesh.vectors import Floats
from avatar.rig.avatar import Avatar
from avatar.transfer.fitted_face import Face
from common.colours import parse_colour
from common.progress import progress_bar
from splat import Camera, Gaussians, orbit


def open_filmed(options: FilmOptions) -> Avatar:
    """The avatar of a film; see `open_avatar`. Where it will be lit, it brings no light along."""
    given = options.avatar, options.flame, options.landmarks, options.texture
    return open_avatar(*given, bare=options.light is not None)


def film_light(
    options: LightOptions,
    avatar: Avatar,
    find_face: Callable[[], Face],
    R_world_head: Tensor | None = None,
    all_sides: bool = False,
) -> Lit:
    """What lights the avatar's Gaussians in every frame; without --light it leaves them alone.

    R_world_head [3, 3]: how the head stands in the world when it looks ahead; all_sides: light them
    for viewers anywhere, see `relit`. Says on standard error what was assumed.
    """
    if options.light is None:
        return _as_they_are
    light = read_light(options.light)
    skin = None
    if options.light_skin is not None:
        skin = to_linear(np.array(parse_colour(options.light_skin)))
    head = find_face().head
    with progress_bar("baking shade", 2 * PARTS, unit="parts/s") as done:
        surfaces, found = surfaces_of(avatar, head, skin, done)
    print(f"light: {_assumed(found)}", file=sys.stderr)
    course = Course(options.light_turn, options.light_spin)
    return relit(surfaces, head, light, course, _ahead(R_world_head), all_sides)


def baked_light(
    options: LightOptions, avatar: Avatar, find_face: Callable[[], Face]
) -> Callable[[Gaussians, Tensor, float], Gaussians]:
    """A function (Gaussians, vertices [V, 3], seconds) → the Gaussians with the light of --light in
    their colours, for programs that know none: the same from all sides."""
    light = film_light(options, avatar, find_face, all_sides=True)
    camera = orbit(torch.zeros(3), 1.0, 0.0, 0.0, 20.0, width=16, height=16)
    return lambda gaussians, vertices, seconds: light(gaussians, vertices, camera, seconds)


def film_backdrop(options: FilmOptions, R_world_head: Tensor | None = None) -> Backdrop:
    """What stands behind the head in every frame; nothing unless --light-background asks for it.

    R_world_head [3, 3]: see `film_light`.
    """
    if options.light is None or not options.light_background:
        return lambda camera, seconds: None
    course = Course(options.light_turn, options.light_spin)
    return backdrop(read_light(options.light), course, _ahead(R_world_head))


def _ahead(R_world_head: Tensor | None) -> Floats:
    return (torch.eye(3) if R_world_head is None else R_world_head).double().numpy()


def _as_they_are(gaussians: Gaussians, _: Tensor, __: Camera, ___: float) -> Gaussians:
    return gaussians


def _assumed(found: Estimate | None) -> str:
    """One line: what was taken for granted."""
    if found is None:
        return "the colours of the avatar are taken to hold no light"
    x, y, z = found.light.directions[found.light.energy.mean(1).argmax()]
    azimuth, elevation = math.degrees(math.atan2(x, z)), math.degrees(math.asin(y))
    red, green, blue = np.round(255 * to_srgb(found.skin)).astype(int)
    source = "as --light-skin says" if found.told else "so that white before the face is white"
    return (
        "the colours of the avatar hold light, which was estimated and taken out: brightest from "
        f"azimuth {azimuth:.0f}, elevation {elevation:.0f} degrees; it explains "
        f"{found.explained:.0%} of what differs over the skin; the skin itself is taken to be "
        f"#{red:02x}{green:02x}{blue:02x}, {source}"
    )
