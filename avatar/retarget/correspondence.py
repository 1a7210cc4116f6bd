"""Which point of the fitted template each vertex of a mesh corresponds to, and affine maps for what
moves as one piece."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from avatar.geometry.closest import closest
from avatar.geometry.vectors import Bools, Floats, Ints
from avatar.retarget.registered_pair import (
    LEFT_EYE,
    LOWER,
    LOWER_TEETH,
    PARTS,
    RIGHT_EYE,
    UPPER,
    UPPER_TEETH,
    RegisteredPair,
    template_tree,
    vertex_classes,
)

RIDGE = 0.1  # of the points' variance, against extrapolation from a patch of skin to deep behind it
THIN = 0.03  # of the greatest variance: less across than this is a patch, not a body


def affine_weights(points: Floats, targets: Floats) -> Floats:
    """Weights [Q, P] that extend motion of points [P, 3] to targets [Q, 3] by the affine map fitted
    to it by least squares; exact for rigid motion, where the points span space. Rows sum to one."""
    middle = points.mean(0)
    spread = points - middle
    covariance = spread.T @ spread / len(points)
    covariance += _ridge(covariance) * np.eye(3)
    slopes = np.linalg.solve(covariance, spread.T) / len(points)  # [3, P]
    return 1 / len(points) + (targets - middle) @ slopes


def _ridge(covariance: Floats) -> float:
    """Nothing where the points span space, else a share of their variance."""
    sizes = np.linalg.eigvalsh(covariance)
    return 0.0 if sizes[0] > THIN * sizes[2] else RIDGE * float(sizes.mean())


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
            spread = sp.coo_array(
                (np.ones(len(part)), (np.arange(len(part)), part)), (len(part), len(pair.fitted))
            )
            rows.append(sp.csr_array(sp.csr_array(means) @ spread))
            order.append(index)
    return sp.vstack(rows).tocsr()[np.argsort(np.concatenate(order))]


def _same_ball(targets: Floats, ball: Floats) -> Floats:
    """Points [P, 3] of one eyeball, moved onto another [Q, 3] by centre and size."""
    (low, high), (from_low, from_high) = ((p.min(0), p.max(0)) for p in (ball, targets))
    size = np.linalg.norm(high - low) / max(np.linalg.norm(from_high - from_low), 1e-12)
    return (low + high) / 2 + size * (targets - (from_low + from_high) / 2)
