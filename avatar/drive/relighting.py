"""Taking an avatar's own light away and giving it another."""

import sys
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.drive.film_options import FilmOptions
from avatar.drive.light_options import LightOptions
from avatar.light.backdrop import Backdrop, backdrop
from avatar.light.bake import PARTS
from avatar.light.estimate import assumed
from avatar.light.prepare import surfaces_of
from avatar.light.read_light import read_light
from avatar.light.relight import Course, Lit, relit
from avatar.light.surfaces import Surfaces
from avatar.mesh.coloured import to_linear
from avatar.mesh.vectors import Floats
from avatar.rig.avatar import Avatar
from avatar.rig.draw import avatar_rig
from avatar.transfer.fitted_face import Face
from common.colours import parse_colour
from common.progress import progress_bar
from splat import orbit, sh_to_rgb

Levels = NDArray[np.uint8]
"""sRGB, 0 to 255."""


def relit_film(
    options: LightOptions,
    avatar: Avatar,
    face: Face,
    R_world_head: Tensor | None = None,
    all_sides: bool = False,
) -> Lit:
    """What lights the avatar's Gaussians as --light says; see `film_light`."""
    assert options.light is not None
    light = read_light(options.light)
    skin = None
    if options.light_skin is not None:
        skin = to_linear(np.array(parse_colour(options.light_skin)))
    surfaces = _bare(avatar, face, skin)
    course = Course(options.light_turn, options.light_spin)
    return relit(surfaces, face.head, light, course, _ahead(R_world_head), all_sides)


def rest_colours(lights: Sequence[str], avatar: Avatar, face: Face) -> dict[str, Levels]:
    """The colours [N, 3] of an avatar's Gaussians at rest in each of some lights, as --light names
    them, for viewers anywhere."""
    surfaces, rest = _bare(avatar, face), avatar.vertices
    gaussians = avatar_rig(avatar, torch.device("cpu"))(rest)
    camera = orbit(torch.zeros(3), 1.0, 0.0, 0.0, 20.0, width=16, height=16)
    found = {}
    for said in lights:
        lit = relit(surfaces, face.head, read_light(said), Course(), all_sides=True)
        colours = sh_to_rgb(lit(gaussians, rest, camera, 0.0).sh[:, 0]).clamp(0, 1)
        found[said] = np.round(255 * colours.numpy()).astype(np.uint8)
    return found


def _bare(avatar: Avatar, face: Face, skin: Floats | None = None) -> Surfaces:
    """What each Gaussian is, without light; says on standard error what was assumed."""
    with progress_bar("baking shade", 2 * PARTS, unit="parts/s") as done:
        surfaces, found = surfaces_of(avatar, face.head, skin, done)
    print(f"light: {assumed(found)}", file=sys.stderr)
    return surfaces


def lit_backdrop(options: FilmOptions, R_world_head: Tensor | None = None) -> Backdrop:
    """The light of --light behind the head; see `film_backdrop`."""
    assert options.light is not None
    course = Course(options.light_turn, options.light_spin)
    return backdrop(read_light(options.light), course, _ahead(R_world_head))


def _ahead(R_world_head: Tensor | None) -> Floats:
    return (torch.eye(3) if R_world_head is None else R_world_head).double().numpy()
