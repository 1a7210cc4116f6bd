"""Motion of one topology as motion of another: a fixed linear operator, with local frames that say
how the template's surface is turned and scaled where it was fitted."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Bools, Floats
from avatar.heads import Head
from avatar.retarget.correspondence import Matching, match_vertices
from avatar.retarget.registered_pair import RegisteredPair, registered_pair
from avatar.retarget.template import Template

NEIGHBOURS = 60
WIDTH = 0.01  # metres: standard deviation of the neighbourhood that a frame is fitted to


def local_frames(template: Template, fitted: Floats) -> Floats:
    """[S, 3, 3] rotation times scale that takes an offset of anny-head to the fitted template.

    Each is the similarity (Umeyama 1991) of a vertex's neighbourhood in space, not along the
    surface, so that lips that touch turn alike. Parts inside the head take that of the skin too.
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


NEAR, FAR = 0.012, 0.03  # metres: motion fades to nothing between these distances
BATCH_BYTES = 1 << 27  # of offsets that are transferred at a time, in double precision
SMOOTHINGS = 10  # passes of averaging where correspondence is poor


@dataclass(frozen=True)
class Transfer:
    """offsets' = after · weights · (before · offsets), each of the frames where there is one."""

    weights: sp.csr_array  # [V, S] of the target's vertices by the source's
    before: Floats | None = None  # [S, 3, 3] frames of the source
    after: Floats | None = None  # [V, 3, 3] frames of the target

    def offsets(self, offsets: Tensor) -> Tensor:
        """Offsets [..., V, 3] of the target, in its unit, from [..., S, 3] of the source."""
        targets, sources = len(self.weights.indptr) - 1, offsets.shape[-2]
        each = offsets.reshape(-1, sources, 3)  # [B, S, 3]
        moved = torch.empty(len(each), targets, 3, dtype=offsets.dtype)
        step = max(1, BATCH_BYTES // (24 * max(targets, sources)))
        for start in range(0, len(each), step):
            moved[start : start + step] = self._batch(each[start : start + step])
        return moved.reshape(*offsets.shape[:-2], targets, 3)

    def _batch(self, offsets: Tensor) -> Tensor:
        """[B, V, 3] of [B, S, 3], by one sparse product."""
        columns = np.ascontiguousarray(offsets.double().numpy().transpose(1, 2, 0))  # [S, 3, B]
        columns = _turned(self.before, columns)
        mixed = self.weights @ columns.reshape(len(columns), -1)
        moved = _turned(self.after, mixed.reshape(len(mixed), 3, -1))  # [V, 3, B]
        return torch.from_numpy(moved.transpose(2, 0, 1))

    def values(self, values: Tensor) -> Tensor:
        """Values [V, ...] of the target's vertices from [S, ...] of the source's."""
        flat = values.reshape(len(values), -1).double().numpy()
        return torch.from_numpy(self.weights @ flat).to(values.dtype).reshape(-1, *values.shape[1:])


def _turned(frames: Floats | None, offsets: Floats) -> Floats:
    """Offsets [n, 3, B] by the frames [n, 3, 3] of their vertices, where there are any."""
    return offsets if frames is None else frames @ offsets


def transfer_to(head: Head, mesh: Mesh, fitted: Tensor) -> Transfer:
    """The operator that turns offsets of anny-head [S, 3] into offsets of a mesh [V, 3].

    fitted [S, 3]: anny-head's vertices on the mesh, in the mesh's own space and unit.
    """
    pair = registered_pair(head, mesh, fitted)
    return transfer_onto(pair, match_vertices(pair))


def transfer_onto(pair: RegisteredPair, matching: Matching) -> Transfer:
    """transfer_to, where the mesh is matched already."""
    weights = _smooth(matching.weights, matching.agreed, pair.links)
    fade = np.clip((FAR - matching.distances) / (FAR - NEAR), 0, 1)
    fade = fade * fade * (3 - 2 * fade)
    turn = pair.to_head.inverse()
    frames = turn.scale * turn.rotation @ local_frames(pair.template, pair.fitted)
    return Transfer(sp.csr_array(sp.diags_array(fade) @ weights), before=frames)


def _smooth(weights: sp.csr_array, agreed: Bools, links: sp.csr_array) -> sp.csr_array:
    """Rows [V, S] in which each vertex without a good match takes the mean of its neighbours."""
    degree = np.asarray(links.sum(1)).ravel()
    poor = ~agreed & (degree > 0)
    kept = sp.diags_array((~poor).astype(float))
    mean = sp.csr_array(sp.diags_array(poor / np.maximum(degree, 1)) @ links + kept)
    for _ in range(SMOOTHINGS):
        weights = sp.csr_array(mean @ weights)
    return weights
