"""An avatar's own light replaced by another."""

import sys
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.geometry.vectors import Floats
from avatar.heads import Head
from avatar.lighting.bake import PARTS
from avatar.lighting.baked_file import surfaces_of
from avatar.lighting.environment import Environment, EnvironmentRotation, Light
from avatar.lighting.estimate import assumed
from avatar.lighting.materials import Surfaces
from avatar.lighting.relight import Backdrop, Lit, backdrop, relit
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from common.progress import progress_bar
from splat import Gaussians, orbit, sh_to_rgb

Levels = NDArray[np.uint8]
"""sRGB, 0 to 255."""

ANYWHERE = orbit(torch.zeros(3), 1.0, 0.0, 0.0, 20.0, width=16, height=16)


def relit_avatar(
    light: Light, avatar: Avatar, head: Head, R_world_head: Tensor | None = None
) -> Lit:
    """A function that lights the avatar's Gaussians in every frame of a film.

    head: of the avatar's mesh; R_world_head [3, 3]: its rotation in the world when it looks ahead.
    Prints on standard error what was assumed.
    """
    surfaces = _unlit_surfaces(avatar, head, light.skin)
    return relit(surfaces, head, light.environment, light.rotation, _ahead(R_world_head))


def baked_light(
    light: Light, avatar: Avatar, head: Head
) -> Callable[[Gaussians, Tensor, float], Gaussians]:
    """A function (Gaussians, vertices [V, 3], seconds) → the Gaussians with the light baked into
    their colours, the same from all sides."""
    surfaces = _unlit_surfaces(avatar, head, light.skin)
    lit = relit(surfaces, head, light.environment, light.rotation, all_sides=True)
    return lambda gaussians, vertices, seconds: lit(gaussians, vertices, ANYWHERE, seconds)


def rest_colours(
    lights: Mapping[str, Environment], avatar: Avatar, head: Head
) -> dict[str, Levels]:
    """The view-independent colours [N, 3] of an avatar's Gaussians at rest in each light."""
    surfaces, rest = _unlit_surfaces(avatar, head), avatar.vertices
    gaussians = avatar_rig(avatar, torch.device("cpu"))(rest)
    found = {}
    for name, light in lights.items():
        lit = relit(surfaces, head, light, EnvironmentRotation(), all_sides=True)
        colours = sh_to_rgb(lit(gaussians, rest, ANYWHERE, 0.0).sh[:, 0]).clamp(0, 1)
        found[name] = np.round(255 * colours.numpy()).astype(np.uint8)
    return found


def _unlit_surfaces(
    avatar: Avatar, head: Head, skin: tuple[float, float, float] | None = None
) -> Surfaces:
    """The surface of each Gaussian, without light; prints on standard error what was assumed."""
    with progress_bar("baking shade", 2 * PARTS, unit="parts/s") as done:
        surfaces, found = surfaces_of(avatar, head, None if skin is None else np.array(skin), done)
    print(f"light: {assumed(found)}", file=sys.stderr)
    return surfaces


def light_behind(light: Light, R_world_head: Tensor | None = None) -> Backdrop:
    """The environment as a backdrop; R_world_head [3, 3]: see `relit_avatar`."""
    return backdrop(light.environment, light.rotation, _ahead(R_world_head))


def _ahead(R_world_head: Tensor | None) -> Floats:
    return (torch.eye(3) if R_world_head is None else R_world_head).double().numpy()
