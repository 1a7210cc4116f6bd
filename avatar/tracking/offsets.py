"""How a person differs from everybody in the shape space: a smooth static offset of the skin."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from avatar.heads import Head
from avatar.heads.identity import extended
from avatar.mesh.smooth_modes import smooth_modes
from avatar.tracking.model import FaceModel

SHAPES = 40  # of the skin's Laplacian, each along three axes
SPREAD = 1.2e-3  # metres: standard deviation of the offset along an axis


def with_offsets(model: FaceModel) -> FaceModel:
    """The model with modes for the offset after those that it has."""
    modes = offset_modes(model.head).to(model.modes)
    ones = torch.ones(len(modes)).to(model.precision)
    return replace(
        model, modes=torch.cat([model.modes, modes]), precision=torch.cat([model.precision, ones])
    )


def offset_modes(head: Head) -> Tensor:
    """Modes [3 SHAPES, V, 3] in metres per standard deviation, the smoothest first and largest;
    the end of the neck stays, and eyes, teeth and tongue move as a whole.

    The eigenvalues of a surface's Laplacian grow as their number (Weyl 1911), and what a thin
    membrane does by chance goes with their inverse roots.
    """
    skin = head.faces[head.group_faces("body")]
    vertex, local = np.unique(skin.numpy(), return_inverse=True)
    faces = torch.from_numpy(local.reshape(skin.shape))
    shapes = smooth_modes(faces, SHAPES + 1, len(vertex)).numpy()[:, 1:]  # all but the shift
    sizes = np.arange(1, SHAPES + 1) ** -0.5
    sizes *= SPREAD / np.linalg.norm(sizes)
    whole = extended(head, vertex, (shapes * sizes).T[..., None].astype(np.float64))
    whole *= head.pose_weights.numpy()[None, :, None]
    return torch.einsum("kvo,ax->kavx", torch.from_numpy(whole), torch.eye(3).double()).flatten(
        0, 1
    )
