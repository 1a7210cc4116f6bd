"""The smoothest shapes that a mesh can bend in."""

import numpy as np
import torch
from scipy.sparse import diags
from scipy.sparse.linalg import eigsh
from torch import Tensor

from avatar.mesh.edges import adjacency


def smooth_modes(faces: Tensor, count: int, vertices: int) -> Tensor:  # [V, B]
    """The lowest eigenvectors of a mesh's graph Laplacian, each with a mean square of 1.

    Among them are the shifts of every connected part: teeth, tongue and eyes move on their own.
    """
    linked = adjacency(faces.cpu().numpy(), vertices)
    degree = diags(linked.sum(1) + 1e-6)
    start = np.random.default_rng(0).standard_normal(vertices)
    count = min(count, vertices - 2)
    _, modes = eigsh((degree - linked).tocsc(), k=count, sigma=-1e-3, v0=start)
    return torch.from_numpy(modes * vertices**0.5).float()
