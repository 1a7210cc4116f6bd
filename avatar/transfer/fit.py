"""Bend anny-head's skin onto a mesh: non-rigid ICP in head space, coarse to fine.

Each step finds for every template vertex the closest point of the mesh that faces the same way, and
solves one sparse least-squares problem: stay on the mesh's tangent planes, bend little (the squared
Laplacian of the displacement), keep landmarks and the line of the lips.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse import linalg

from avatar.transfer.search import FaceTree, closest
from avatar.transfer.surface import adjacency, point_normals
from avatar.transfer.template import Template

Floats = NDArray[np.floating]
Indices = NDArray[np.integer]


@dataclass(frozen=True)
class Stage:
    """One level of stiffness."""

    bending: float  # weight of the squared Laplacian against one squared distance
    reach: float  # metres: a correspondence at this distance counts a quarter
    cosine: float  # least agreement of normals
    steps: int


STAGES = (
    Stage(1e6, 0.03, 0.5, 4),
    Stage(1e5, 0.02, 0.5, 5),
    Stage(1e4, 0.012, 0.6, 6),
    Stage(1e3, 0.008, 0.6, 6),
    Stage(1e2, 0.006, 0.6, 6),
    Stage(2e1, 0.004, 0.7, 6),
)
STRETCH = 1e-3  # weight of the displacement's difference along edges, times the bending's
SLIDE = 0.03  # weight against sliding along the mesh's tangent plane
PAIRED = 4.0  # weight that holds the sealed lips together
PULL = 3.0  # weight of a landmark


@dataclass(frozen=True)
class Pulls:
    """Template vertices that are told where to be."""

    index: Indices  # [P]
    points: Floats  # [P, 3] metres, head space
    weights: Floats  # [P]


NO_PULLS = Pulls(np.zeros(0, int), np.zeros((0, 3)), np.zeros(0))


def bend(
    template: Template,
    mesh: FaceTree,
    boundary: NDArray[np.bool_],
    start: Floats,
    pulls: Pulls = NO_PULLS,
    stages: Sequence[Stage] = STAGES,
) -> Floats:
    """Template vertices [S, 3] with the body's laid onto the mesh (head space, metres).

    boundary [V] marks the mesh's open edges, on which no correspondence is believed.
    """
    body = np.flatnonzero(template.body)
    laplacian, edges = _operators(template, body)
    vertices = start.copy()
    for stage in stages:
        smooth = stage.bending * (laplacian.T @ laplacian + STRETCH * edges)
        for _ in range(stage.steps):
            matched = _match(template, mesh, boundary, vertices, stage)
            vertices[body] += _solve(template, body, smooth, vertices - template.vertices, matched,
                                     _offsets(pulls, vertices))  # fmt: skip
    return vertices


@dataclass(frozen=True)
class Matched:
    """Where template vertices should go."""

    index: Indices  # [P] template vertices
    away: Floats  # [P, 3] from the vertex to its match
    normals: Floats  # [P, 3] of the match
    weights: Floats  # [P]


def _match(
    template: Template, mesh: FaceTree, boundary: NDArray[np.bool_], vertices: Floats, stage: Stage
) -> Matched:
    index = np.flatnonzero(template.outer)
    normals = point_normals(vertices, template.skin_faces)[index]
    hit = closest(mesh, vertices[index], normals, stage.cosine, reach=3 * stage.reach)
    corners = mesh.faces[hit.faces]
    on_edge = (hit.weights * boundary[corners]).sum(1) > 0.999
    kept = (hit.faces >= 0) & ~on_edge
    points = np.einsum("qc,qcx->qx", hit.weights, mesh.vertices[corners])
    weights = (1 + (np.where(kept, hit.distances, 0) / stage.reach) ** 2) ** -2
    weights *= np.maximum(template.weight[index], 0.1)
    away = points - vertices[index]
    return Matched(index[kept], away[kept], mesh.normals[hit.faces[kept]], weights[kept])


def _offsets(pulls: Pulls, vertices: Floats) -> Pulls:
    return Pulls(pulls.index, pulls.points - vertices[pulls.index], pulls.weights)


def _solve(
    template: Template,
    body: Indices,
    smooth: sp.csr_array,
    bent: Floats,
    matched: Matched,
    pulls: Pulls,
) -> Floats:
    """The step [n, 3] of the body's vertices."""
    place = np.full(len(template.vertices), -1)
    place[body] = np.arange(len(body))
    count = len(body)
    planes = _blocks(place[matched.index], _projectors(matched), count)
    pulled = sp.coo_array(
        (pulls.weights, (place[pulls.index], place[pulls.index])), (count, count)
    ).tocsr()
    pairs, apart = _pairs(template, place, bent)
    shared = smooth + pulled + pairs
    right = -(smooth @ bent[body]) - apart
    wanted = np.einsum("pxy,py->px", _projectors(matched), matched.away)
    np.add.at(right, place[matched.index], wanted)
    np.add.at(right, place[pulls.index], pulls.weights[:, None] * pulls.points)
    system = sp.kron(shared, sp.eye_array(3), format="csr") + planes
    weights = np.bincount(place[matched.index], matched.weights, count)
    return _conjugate(system, shared + sp.diags_array(weights * 0.4 + 1e-9), right)


def _projectors(matched: Matched) -> Floats:
    """[P, 3, 3] weight across the tangent plane, little along it."""
    across = matched.normals[:, :, None] * matched.normals[:, None, :]
    return matched.weights[:, None, None] * ((1 - SLIDE) * across + SLIDE * np.eye(3))


def _blocks(rows: Indices, blocks: Floats, count: int) -> sp.csr_array:
    """Block-diagonal [3n, 3n] matrix of 3×3 blocks."""
    row = 3 * rows[:, None, None] + np.arange(3)[None, :, None] + np.zeros((1, 1, 3), int)
    column = 3 * rows[:, None, None] + np.arange(3)[None, None, :] + np.zeros((1, 3, 1), int)
    entries = (blocks.ravel(), (row.ravel(), column.ravel()))
    return sp.coo_array(entries, (3 * count, 3 * count)).tocsr()


def _pairs(template: Template, place: Indices, bent: Floats) -> tuple[sp.csr_array, Floats]:
    """The matrix [n, n] and gradient [n, 3] of the squared gaps of the sealed lips."""
    upper, lower = place[template.lips_upper], place[template.lips_lower]
    count, pairs = int((place >= 0).sum()), np.arange(len(upper))
    ones = np.ones(len(upper))
    entries = (np.r_[ones, -ones], (np.r_[pairs, pairs], np.r_[upper, lower]))
    gaps = sp.coo_array(entries, (len(upper), count)).tocsr()
    matrix = PAIRED * gaps.T @ gaps
    return matrix, matrix @ bent[template.body]


def _conjugate(system: sp.csr_array, per_axis: sp.csr_array, right: Floats) -> Floats:
    """Solve by conjugate gradients, preconditioned with one factor that serves all three axes."""
    factor = linalg.splu(
        per_axis.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0,
        options={"SymmetricMode": True},
    )
    shape = right.shape

    def precondition(vector: Floats) -> Floats:
        return factor.solve(vector.reshape(shape)).ravel()

    operator = linalg.LinearOperator(system.shape, precondition)
    step, _ = linalg.cg(system, right.ravel(), rtol=1e-4, maxiter=100, M=operator)
    return step.reshape(shape)


def _operators(template: Template, body: Indices) -> tuple[sp.csr_array, sp.csr_array]:
    """The uniform Laplacian [n, n] of the body's mesh, and its edges' squared differences."""
    links = adjacency(template.skin_faces, len(template.vertices))[body][:, body]
    degree = np.asarray(links.sum(1)).ravel()
    laplacian = sp.eye_array(len(body)) - sp.diags_array(1 / degree) @ links
    return laplacian.tocsr(), (sp.diags_array(degree) - links).tocsr()
