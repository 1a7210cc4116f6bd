"""The shape space of anny-head: how faces differ, as modes of a normal distribution."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.vectors import Floats, Ints
from avatar.heads.head import Head, load_head
from common.arrays import pick, pick_floats, read_arrays, write_arrays
from common.errors import InputError

NEIGHBOURS = 8  # vertices within the face, from which one outside takes its motion
PARTS = ("tongue", "upper-teeth", "lower-teeth", "l-eye", "r-eye")
"""Parts that move as a whole, so that they keep their shape."""


@dataclass(frozen=True)
class ShapeSpace:
    """Faces are mean + coefficients · modes with coefficients from N(0, 1)."""

    mean: Tensor  # [V, 3] metres, head space
    modes: Tensor  # [M, V, 3] metres per standard deviation


@cache
def load_shape_space() -> ShapeSpace:
    """The shape space that ships: 50 modes of ICT-FaceKit on anny-head."""
    with as_file(files("avatar.heads").joinpath("data", "identity_modes.npz")) as path:
        modes = read_arrays(path)["modes"]
    head = load_head()
    mean = head.vertices + torch.stack(list(head.identities.values())).mean(0)
    return ShapeSpace(mean, torch.from_numpy(modes.astype(np.float32)))


def extend_modes(source: Path, out: Path, count: int) -> None:
    """Write the first `count` modes of a face, known at some of anny-head's vertices, for all of
    them.

    source: .npz with `vertex` [P] and `modes` [M, P, 3] in metres per standard deviation. Vertices
    elsewhere follow those nearby, and eyes, teeth and tongue move as a whole. Raises InputError.
    """
    arrays = read_arrays(source)
    head = load_head()
    vertex = pick(source, arrays, "vertex").astype(np.int64)
    modes = pick_floats(source, arrays, "modes", (len(vertex), 3))[:count].astype(np.float64)
    if vertex.ndim != 1 or vertex.min() < 0 or vertex.max() >= len(head.vertices):
        raise InputError(f"{source}: 'vertex' does not name vertices of anny-head")
    write_arrays(out, {"modes": extended(head, vertex, modes).astype(np.float16)})


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
