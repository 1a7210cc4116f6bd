"""Correct the avatar by the photos: its colours by the first, its outline by the others.

The picture is linear in the colours, so that simultaneous algebraic reconstruction (Gilbert 1972)
needs nothing but the renderer and its gradient: each colour is corrected by the mean residual of
the pixels that it has a share in. The outline is cut by the visual hull (Laurentini 1994).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import binary_dilation
from torch import Tensor

from avatar.geometry.vectors import Bools
from avatar.geometry.zbuffer import project
from avatar.photo.project import View, well_inside
from avatar.photo.subject import Scene
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from splat import render

STEPS = 24
HIDDEN = 0.3  # pixels in which a Gaussian must have a share to be changed by half
SOLID = 0.8  # opacity of the avatar from which a pixel tells its colours, not what it lacks
SPHERICAL = 0.28209479177387814  # Y00: colours per coefficient
WHITE = 0.5 / SPHERICAL


def refined(avatar: Avatar, scene: Scene, share: Tensor, done: Callable[[], None]) -> Avatar:
    """The avatar with colours after the first photo; share [N] in [0, 1] of the correction that
    each Gaussian takes. done: called after each of STEPS steps."""
    view = scene.views[0]
    photo = view.photo
    vertices = torch.from_numpy(view.shape.vertices[: len(avatar.vertices)]).float()
    there = avatar_rig(avatar, torch.device("cpu"))(vertices)
    target = torch.from_numpy(photo.seen.picture).float()
    with torch.no_grad():
        alpha = render(there, photo.camera, backend="cpu", with_depth=False).alpha
    inside = torch.from_numpy(well_inside(photo.seen)) & (alpha.reshape(*target.shape[:2]) > SOLID)
    mask = inside.float()[..., None]
    sh = there.sh.clone()

    def backprojected(sh: Tensor, residual: Callable[[Tensor], Tensor]) -> Tensor:
        """The gradient of the coefficients for a residual [H, W, 3] of what they draw."""
        sh = sh.detach().requires_grad_()
        drawn = render(replace(there, sh=sh), photo.camera, backend="cpu", with_depth=False).color
        (drawn * residual(drawn.detach())).sum().backward()
        assert sh.grad is not None
        return sh.grad

    seen = backprojected(sh, mask.expand_as) / SPHERICAL  # [N, 1, 3]
    step = share[:, None, None] / (seen + HIDDEN)
    for _ in range(STEPS):
        change = backprojected(sh, lambda drawn: (target - drawn) * mask)
        sh = (sh + step * change / SPHERICAL**2).clamp(-WHITE, WHITE)
        done()
    return replace(avatar, gaussians=replace(avatar.gaussians, sh=sh.detach()))


PERSON = 0.3  # of the matte
ASTRAY = 6  # pixels by which a head may be placed wrongly


def outside_visual_hull(avatar: Avatar, views: Sequence[View]) -> Bools:
    """Which Gaussians [N] of an avatar are where one of the photos shows nothing of the person."""
    rig = avatar_rig(avatar, torch.device("cpu"))
    beyond = np.zeros(len(avatar.binding), bool)
    for view in views:
        vertices = torch.from_numpy(view.shape.vertices[: len(avatar.vertices)]).float()
        pixels = project(view.photo.camera, rig(vertices).means)[0].numpy()
        matte = view.photo.seen.person > PERSON
        person = np.asarray(binary_dilation(matte, iterations=ASTRAY), bool)
        width, height = view.photo.seen.size
        inside = ((pixels >= 0) & (pixels < [width, height])).all(1)
        columns, rows = pixels[inside].astype(int).T
        beyond[inside] |= ~person[rows, columns]
    return beyond
