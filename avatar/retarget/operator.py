"""Motion of one topology as motion of another: which point of the fitted template each vertex of a
mesh corresponds to, the fixed linear operator that follows, with local frames that say how the
template's surface is turned and scaled where it was fitted, and a head made of a mesh by it."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.closest import closest
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Bools, Floats, Ints, smoothstep
from avatar.heads import Head
from avatar.retarget.registered_pair import (
    LEFT_EYE,
    LOWER,
    LOWER_TEETH,
    PARTS,
    RIGHT_EYE,
    UPPER,
    UPPER_TEETH,
    RegisteredPair,
    registered_pair,
    template_tree,
    vertex_classes,
)
from avatar.retarget.template import Template

RIDGE = 0.1  # of the points' variance, against extrapolation from a patch of skin to deep behind it
THIN = 0.03  # of the greatest variance: less across than this is a patch, not a body


def affine_weights(points: Floats, targets: Floats) -> Floats:
    """Weights [Q, P] that extend motion of points [P, 3] to targets [Q, 3] by the affine map fitted
    to it by least squares; exact for rigid motion, where the points span space. Rows sum to one."""
    middle = points.mean(0)
    spread = points - middle
    covariance = spread.T @ spread / len(points)
    sizes = np.linalg.eigvalsh(covariance)
    if sizes[0] <= THIN * sizes[2]:
        covariance += RIDGE * sizes.mean() * np.eye(3)
    slopes = np.linalg.solve(covariance, spread.T) / len(points)  # [3, P]
    return 1 / len(points) + (targets - middle) @ slopes


AGREE = 0.3  # least cosine between a vertex's normal and its triangle's
REACH = 0.02  # metres within which normals are looked at
RIGID = (LEFT_EYE, RIGHT_EYE, UPPER_TEETH, LOWER_TEETH)


@dataclass(frozen=True)
class Matching:
    """Each mesh vertex as a mean of template vertices."""

    weights: sp.csr_array  # [V, S], rows sum to one
    distances: Floats  # [V] metres at the size of anny-head
    agreed: Bools  # [V] whether the normals agree
    classes: Ints  # [V] class of each vertex


def match_vertices(pair: RegisteredPair) -> Matching:
    """Match the vertices of a mesh with the template registered to it.

    Skin goes to the closest point on its own side of the lips, a part to the template's like part;
    eyeballs and teeth move as one piece.
    """
    tree = template_tree(pair.template, pair.fitted)
    classes = vertex_classes(pair, tree)
    allowed = _allowed(classes)
    best = closest(tree, pair.vertices, pair.normals, AGREE, allowed, REACH)
    agreed = best.faces >= 0
    rest = closest(tree, pair.vertices, allowed=allowed)
    face = np.where(agreed, best.faces, rest.faces)
    weights = np.where(agreed[:, None], best.weights, rest.weights)
    rows = np.repeat(np.arange(len(classes)), 3)
    entries = (weights.ravel(), (rows, tree.faces[face].ravel()))
    matrix = sp.coo_array(entries, (len(classes), len(pair.fitted))).tocsr()
    distances = np.where(agreed, best.distances, rest.distances)
    stiff = np.isin(classes, RIGID)
    distances[stiff], agreed[stiff] = 0, True
    return Matching(_with_parts(pair, classes, matrix), distances, agreed, classes)


def _allowed(classes: Ints) -> Ints:
    """[V] bit masks of the template's classes that a vertex may take from.

    Where the mesh has no eyeballs of its own, its skin goes on over the eye.
    """
    eyes = sum(1 << eye for eye in (LEFT_EYE, RIGHT_EYE) if not (classes == eye).any())
    skin = (classes == UPPER) | (classes == LOWER)
    return np.where(skin, 1 << classes | eyes, 1 << classes)


def _with_parts(pair: RegisteredPair, classes: Ints, matrix: sp.csr_array) -> sp.csr_array:
    """The matrix with the rows of rigid parts as regressions on all of the template's part."""
    order = [np.flatnonzero(~np.isin(classes, RIGID))]
    rows = [matrix[order[0]]]
    for name, kind in PARTS.items():
        index = np.flatnonzero(classes == kind)
        if kind in RIGID and len(index):
            part = pair.template.head.group_vertices(name).numpy()
            targets = pair.vertices[index]
            if kind in (LEFT_EYE, RIGHT_EYE):
                targets = _same_ball(targets, pair.fitted[part])
            means = affine_weights(pair.fitted[part], targets)
            rows.append(sp.csr_array(means) @ sp.csr_array(sp.eye_array(len(pair.fitted)))[part])
            order.append(index)
    return sp.vstack(rows).tocsr()[np.argsort(np.concatenate(order))]


def _same_ball(targets: Floats, ball: Floats) -> Floats:
    """Points [P, 3] of one eyeball, moved onto another [Q, 3] by centre and size."""
    (low, high), (from_low, from_high) = ((p.min(0), p.max(0)) for p in (ball, targets))
    size = np.linalg.norm(high - low) / max(np.linalg.norm(from_high - from_low), 1e-12)
    return (low + high) / 2 + size * (targets - (from_low + from_high) / 2)


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
        columns = columns if self.before is None else self.before @ columns
        mixed = self.weights @ columns.reshape(len(columns), -1)
        moved = mixed.reshape(len(mixed), 3, -1)  # [V, 3, B]
        moved = moved if self.after is None else self.after @ moved
        return torch.from_numpy(moved.transpose(2, 0, 1))

    def values(self, values: Tensor) -> Tensor:
        """Values [V, ...] of the target's vertices from [S, ...] of the source's."""
        flat = values.reshape(len(values), -1).double().numpy()
        return torch.from_numpy(self.weights @ flat).to(values.dtype).reshape(-1, *values.shape[1:])


def transfer_onto(pair: RegisteredPair, matching: Matching) -> Transfer:
    """The operator that turns offsets of anny-head [S, 3] into offsets of a mesh [V, 3]."""
    weights = _smooth(matching.weights, matching.agreed, pair.links)
    fade = smoothstep(FAR, NEAR, matching.distances)
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


PAIRED = ("lip_inner_upper", "lip_inner_lower")


def head_on(head: Head, mesh: Mesh, fitted: Tensor, topology: str) -> tuple[Head, Transfer]:
    """anny-head's units, regions and joint, transferred to a mesh by its fitted template [S, 3];
    and what transferred them."""
    pair = registered_pair(head, mesh, fitted)
    matching = match_vertices(pair)
    transfer = transfer_onto(pair, matching)
    group_of = _groups(head, matching.classes)

    def transferred(region: Tensor) -> Tensor:
        mask = torch.zeros(len(head.vertices)).index_fill(0, region, 1.0)
        return (transfer.values(mask) > 0.5).nonzero().squeeze(1)

    single = {name: index for name, index in head.regions.items() if name not in PAIRED}
    regions = {name: transferred(index) for name, index in single.items()}
    upper, lower = (head.regions[name] for name in PAIRED)
    regions |= _lip_pairs(pair.vertices, pair.fitted, matching.classes, upper, lower)
    made = Head(
        topology=topology,
        vertices=mesh.vertices,
        faces=mesh.faces,
        units=transfer.offsets(head.units),
        unit_names=head.unit_names,
        regions=regions,
        face_groups=torch.from_numpy(group_of)[mesh.faces].mode(dim=1).values,
        group_names=head.group_names,
        identities={},
        pose_weights=transfer.values(head.pose_weights).clamp(0, 1),
        pivot=pair.to_head.inverse().of_tensor(head.pivot),
    )
    return made, transfer


def _groups(head: Head, classes: Ints) -> Ints:
    """[V] group index of each vertex."""
    group = np.full(len(classes), head.group_names.index("body"))
    for name, kind in PARTS.items():
        group[classes == kind] = head.group_names.index(name)
    return group


def _lip_pairs(
    vertices: Floats, fitted: Floats, classes: Ints, upper: Tensor, lower: Tensor
) -> dict[str, Tensor]:
    """For each pair of the template the nearest vertex of the mesh on either side of the lips."""
    pairs = {}
    for name, index, kind in zip(PAIRED, (upper, lower), (0, 1), strict=True):
        side = np.flatnonzero(classes == kind)
        apart = ((fitted[index.numpy()][:, None] - vertices[side][None]) ** 2).sum(2)
        pairs[name] = torch.from_numpy(side[apart.argmin(1)])
    return pairs
