"""An avatar of any kind, made ready to stand in any light."""

from collections.abc import Callable

import numpy as np
import torch

from avatar.heads import Head
from avatar.light.cache import baked
from avatar.light.estimate import Estimate, albedo_of, estimate
from avatar.light.stored import stored
from avatar.light.surfaces import Surfaces
from avatar.light.tone import untoned
from avatar.mesh.coloured import to_linear
from avatar.mesh.vectors import Floats
from avatar.rig.avatar import Avatar
from avatar.rig.draw import avatar_rig
from splat import sh_to_rgb


def surfaces_of(
    avatar: Avatar,
    head: Head,
    skin: Floats | None = None,
    done: Callable[[], None] = lambda: None,
) -> tuple[Surfaces, Estimate | None]:
    """What each Gaussian is, with the colour that it has without light; and the light that was
    taken out of the colours, where they had one.

    head: the avatar's mesh, with units that fit it; skin [3]: mean albedo of the skin, linear;
    done: called after each of 2 * PARTS parts.
    """
    surfaces = stored(avatar) or baked(avatar, head, done)
    colours = sh_to_rgb(avatar.gaussians.sh[:, 0].double()).clamp(0, 1).numpy()
    if avatar.unlit:
        return surfaces._replace(albedo=to_linear(colours).astype(np.float32)), None
    quats = avatar_rig(avatar, torch.device("cpu"))(avatar.vertices).quats.numpy()
    radiance = untoned(colours).astype(np.float32)
    found = estimate(surfaces, quats, radiance, skin)
    albedo = albedo_of(surfaces, quats, radiance, found.light)
    return surfaces._replace(albedo=albedo), found
