"""The colours of a mesh's vertices, seen through the Gaussians that lie round them."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor

from avatar.mesh.coloured import Paint
from avatar.mesh.rotations import quaternion_to_matrix
from avatar.mesh.vectors import Floats
from splat import Gaussians, sh_to_color

NEAREST = 16  # Gaussians that colour a vertex
FAINTEST = 1e-6  # all of them together, else the nearest one decides


def gaussian_paint(gaussians: Gaussians, vertices: Tensor, faces: Tensor) -> Paint:
    """The paint of a mesh [V, 3], [M, 3] among Gaussians of the same space, one colour a vertex."""
    corners = faces.numpy()
    rgb = vertex_colours(gaussians, vertices)[corners]
    shape = (*corners.shape, 2)
    return Paint(rgb, np.zeros(shape), np.full(len(corners), -1), ())


def vertex_colours(gaussians: Gaussians, vertices: Tensor) -> Floats:
    """Colours [V, 3] in 0..1: the mean of the nearest Gaussians' plain colours, each by how opaque
    it is at the vertex."""
    places = vertices.double().numpy()
    tree = KDTree(gaussians.means.double().numpy())
    count = min(NEAREST, len(gaussians.means))
    found: NDArray = np.asarray(tree.query(places, k=count)[1]).reshape(len(places), count)
    away = places[:, None] - gaussians.means.double().numpy()[found]  # [V, k, 3]
    turns = quaternion_to_matrix(gaussians.quats).double().numpy()[found]
    along = np.einsum("vkij,vki->vkj", turns, away) / gaussians.scales.double().numpy()[found]
    seen = gaussians.opacities.numpy()[found] * np.exp(-0.5 * (along**2).sum(2))
    seen[seen.sum(1) < FAINTEST, 0] = 1.0  # the nearest
    rgb = sh_to_color(gaussians.sh[:, :1], gaussians.means).clamp(max=1).double().numpy()[found]
    return np.einsum("vk,vkc->vc", seen / seen.sum(1, keepdims=True), rgb)
