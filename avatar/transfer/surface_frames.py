"""How the template's surface is turned and scaled where it was fitted."""

import numpy as np
from scipy.spatial import KDTree

from avatar.mesh.vectors import Floats
from avatar.transfer.template import Template

NEIGHBOURS = 60
WIDTH = 0.01  # metres: standard deviation of the neighbourhood that a frame looks at


def local_frames(template: Template, fitted: Floats) -> Floats:
    """[S, 3, 3] rotation times scale that takes an offset of anny-head to the fitted template.

    Each is the similarity (Umeyama 1991) that carries a vertex's neighbourhood in space, not along
    the surface, so that lips that touch turn alike. Parts inside the head look at the skin too.
    """
    skin = np.flatnonzero(template.outer)
    distances, index = KDTree(template.vertices[skin]).query(template.vertices, NEIGHBOURS)
    weights = np.exp(-0.5 * ((distances - distances[:, :1]) / WIDTH) ** 2)
    weights /= weights.sum(1, keepdims=True)
    source, target = template.vertices[skin][index], fitted[skin][index]
    source = source - np.einsum("sk,skx->sx", weights, source)[:, None]
    target = target - np.einsum("sk,skx->sx", weights, target)[:, None]
    covariance = np.einsum("sk,skx,sky->sxy", weights, target, source)
    u, sizes, vt = np.linalg.svd(covariance)
    signs = np.ones_like(sizes)
    signs[:, 2] = np.sign(np.linalg.det(u @ vt))
    scale = (sizes * signs).sum(1) / np.einsum("sk,skx->s", weights, source**2)
    return scale[:, None, None] * ((u * signs[:, None]) @ vt)
