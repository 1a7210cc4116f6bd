"""An avatar under the recorded lights of a capture, and without parts of that lighting."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Floats
from avatar.lighting.baked_file import surfaces_of
from avatar.lighting.environment import Environment, EnvironmentRotation
from avatar.lighting.environment_files import read_light
from avatar.lighting.estimate import Estimate
from avatar.lighting.materials import Surfaces
from avatar.lighting.relight import relit
from avatar.reconstruct.capture import Capture, View
from avatar.retarget.fitted_face import face_of
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import Raster, avatar_rig

RELIT, UNSHADOWED, STILL = "relit", "without shadows", "in the mean light of training"
Draw = Callable[[View], Tensor]
"""View → [H, W, 3] in [0, 1]"""


def relit_drawers(
    avatar: Avatar, capture: Capture, raster: Raster, device: torch.device, skin: Floats | None
) -> tuple[dict[str, Draw], Estimate | None]:
    """What draws the avatar in the light of each view, by what is left out, and the light that was
    taken out of its colours, if they had one.

    skin [3]: its linear albedo, for colours that hold light. Raises InputError where the mesh has
    no face, or a light cannot be read.
    """
    head = face_of(Mesh(avatar.vertices, avatar.faces), avatar.topology, avatar.template).head
    surfaces, found = surfaces_of(avatar, head, skin)
    rig = avatar_rig(avatar, device)
    every = {name for views in capture.splits.values() for name in lights_of(views)}
    known = {name: read_light(name) for name in sorted(every)}
    mean = mean_light([known[name] for name in lights_of(capture.splits["train"])])

    def drawer(surfaces: Surfaces, of: Callable[[str], Environment]) -> Draw:
        lit = {name: relit(surfaces, head, of(name), EnvironmentRotation()) for name in known}

        def draw(view: View) -> Tensor:
            assert view.light is not None
            vertices = capture.vertices[view.timestep]
            gaussians = lit[view.light](rig(vertices), vertices, view.camera, 0.0)
            return raster(gaussians, view.camera)

        return draw

    rows = {
        RELIT: drawer(surfaces, known.__getitem__),
        UNSHADOWED: drawer(without_shadows(surfaces), known.__getitem__),
        STILL: drawer(surfaces, lambda _: mean),
    }
    return rows, found


def lights_of(views: Sequence[View]) -> list[str]:
    """The lights of views, each once."""
    return sorted({view.light for view in views if view.light is not None})


def without_shadows(surfaces: Surfaces) -> Surfaces:
    """The same with no light occluded."""
    open_sky = np.full_like(surfaces.rest, 255)
    access = np.ones_like(surfaces.access)
    return surfaces._replace(rest=open_sky, opened=open_sky, access=access)


def mean_light(lights: Sequence[Environment]) -> Environment:
    """The mean of several lights."""
    energy = np.concatenate([light.energy for light in lights]) / len(lights)
    directions = np.concatenate([light.directions for light in lights])
    return Environment(np.mean([light.radiance for light in lights], 0), directions, energy)
