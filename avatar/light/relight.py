"""An avatar under a light: the colours of its Gaussians in every frame."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.heads import Head
from avatar.light.cells import into_cells
from avatar.light.environment import Course, Environment
from avatar.light.matters import CLOTH, LIPS, MATTERS, MIRRORLESS, MOUTH, SKIN, STRAND, TEETH
from avatar.light.mirror import mirror_of
from avatar.light.shade import PER_ROOT, Moment, shade
from avatar.light.shadows import DIRECTIONS
from avatar.light.standing import standing_of
from avatar.light.surfaces import Surfaces, unpacked, where_still
from avatar.light.tone import tone_table
from avatar.mesh.vectors import Floats, Ints
from splat import Camera, Gaussians

AROUND = np.cos(np.radians(22))  # of each direction: its neighbours' ring
THIN = 0.1  # share of light through hair below which it hides what is behind it

Lit = Callable[[Gaussians, Tensor, Camera, float], Gaussians]
"""(Gaussians, vertices [V, 3] that they ride on, camera, seconds) → the Gaussians lit."""


def relit(
    surfaces: Surfaces,
    head: Head,
    light: Environment,
    course: Course,
    R_world_ahead: Floats | None = None,
    all_sides: bool = False,
) -> Lit:
    """What lights an avatar's Gaussians: surfaces with their albedo, on the mesh of `head`.

    R_world_ahead [3, 3]: where azimuth 0 lies in the world, by default along z; all_sides: light
    what the camera does not see as well, without mirror images, which differ from side to side.
    """
    ahead = np.eye(3) if R_world_ahead is None else R_world_ahead
    surfaces, seen_from = where_still(surfaces), sides_of(surfaces, all_sides)
    matters = MIRRORLESS if all_sides else MATTERS
    standing, mirror, curve = standing_of(head), mirror_of(light), tone_table(PER_ROOT)
    skin = surfaces.albedo[surfaces.matter == SKIN]
    again = (skin if len(skin) else surfaces.albedo).mean(0)
    even = (light.energy.sum(0) / (4 * np.pi)).astype(np.float32)
    bounce = even * again.astype(np.float32)

    def lit(gaussians: Gaussians, vertices: Tensor, camera: Camera, seconds: float) -> Gaussians:
        now = standing(vertices)
        R_world_light = ahead @ course.after(seconds)
        R_head_light = now.R_world_head.T @ R_world_light
        cells = into_cells(light.directions @ R_head_light.T, light.energy)
        moment = Moment(
            _floats(gaussians.quats),
            _floats(gaussians.means),
            now.R_world_head.astype(np.float32),
            _floats(torch.linalg.inv(camera.viewmat)[:3, 3]),
            np.array([now.jaw, now.lids, 0], np.float32),
            np.ascontiguousarray(cells.energy.T),
            np.ascontiguousarray(cells.towards.T),
            even,
            bounce,
        )
        turned = mirror._replace(R_light_world=np.ascontiguousarray(R_world_light.T, np.float32))
        sh = shade(surfaces, seen_from, moment, turned, matters, curve)
        return replace(gaussians, sh=torch.from_numpy(sh).to(gaussians.means))

    return lit


def _floats(values: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(values.detach().cpu().numpy(), np.float32)


def sides_of(surfaces: Surfaces, everywhere: bool = False) -> Ints:
    """[N, D / 8] uint8: a bit for each of DIRECTIONS, set where a viewer there may see a Gaussian:
    what a ray of light passes on its way in, a look passes on its way out.

    Lips, teeth and mouth, which open in more ways than the tables know, are seen from everywhere,
    and so is all if `everywhere` says so.
    """
    if everywhere:
        return np.full((len(surfaces.matter), len(DIRECTIONS) // 8), 255, np.uint8)
    seen = np.zeros((len(surfaces.matter), len(DIRECTIONS)), bool)
    least = np.where(np.isin(surfaces.matter, (STRAND, CLOTH)), THIN, 0)[:, None]
    visible = np.maximum(unpacked(surfaces.rest), unpacked(surfaces.opened)) > least
    for direction, around in enumerate(DIRECTIONS @ DIRECTIONS.T > AROUND):
        seen[:, direction] = visible[:, around].any(1)
    seen[np.isin(surfaces.matter, (LIPS, MOUTH, TEETH))] = True
    return np.packbits(seen, axis=1, bitorder="little")
