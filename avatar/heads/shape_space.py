"""The shape space of anny-head: how faces differ, as modes of a normal distribution."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.vectors import Floats, Ints
from avatar.heads.head import Head, load_head
from common.arrays import read_arrays

NEIGHBOURS = 8  # vertices within the face, from which one outside takes its motion
SHIFTS = 2
"""Modes that come first: from the mean of MakeHuman's heads to those of real ones, of GNM Head and
of ICT-FaceKit."""
PARTS = ("tongue", "upper-teeth", "lower-teeth", "l-eye", "r-eye")
"""Parts that move as a whole, so that they keep their shape."""


@dataclass(frozen=True)
class ShapeSpace:
    """Faces are mean + coefficients · modes with coefficients from N(0, 1)."""

    mean: Tensor  # [V, 3] metres, head space
    modes: Tensor  # [M, V, 3] metres per standard deviation


@cache
def load_shape_space() -> ShapeSpace:
    """The shape space that ships: SHIFTS and 50 modes of ICT-FaceKit on anny-head."""
    with as_file(files("avatar.heads").joinpath("data", "identity_modes.npz")) as path:
        modes = read_arrays(path)["modes"]
    return ShapeSpace(mean_face(), torch.from_numpy(modes.astype(np.float32)))


def mean_face() -> Tensor:
    """The mean [V, 3] of the identities that come with anny-head."""
    head = load_head()
    return head.vertices + torch.stack(list(head.identities.values())).mean(0)


def extended(head: Head, vertex: Ints, modes: Floats) -> Floats:
    """Modes [M, V, 3] of a whole head from those [M, P, 3] of some of its vertices [P]."""
    rest = head.vertices.double().numpy()
    distance, nearest = KDTree(rest[vertex]).query(rest, NEIGHBOURS)
    weights = 1 / np.maximum(distance, 1e-4) ** 2
    weights /= weights.sum(1, keepdims=True)
    whole = np.einsum("vk,mvkx->mvx", weights, modes[:, nearest])
    whole[:, vertex] = modes
    for part in PARTS:
        index = head.group_vertices(part).numpy()
        whole[:, index] = whole[:, index].mean(1, keepdims=True)
    return whole
