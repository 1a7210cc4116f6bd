"""What further photos show not to be there."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import binary_dilation

from avatar.mesh.pinhole import project
from avatar.mesh.vectors import Bools
from avatar.photo.project import View
from avatar.rig.avatar import Avatar
from avatar.rig.draw import avatar_rig

PERSON = 0.3  # of the matte
ASTRAY = 6  # pixels by which a head may be placed wrongly


def beyond_outline(avatar: Avatar, views: Sequence[View]) -> Bools:
    """Which Gaussians [N] of an avatar lie where one of the photos shows nothing of the person
    (a visual hull, Laurentini 1994)."""
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
