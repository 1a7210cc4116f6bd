"""Bend anny-head's skin onto a mesh: non-rigid ICP in head space, coarse to fine.

Each step finds for every template vertex a point of the mesh, and solves one sparse least-squares
problem: go to the points' tangent planes, bend little (the squared Laplacian of the displacement),
keep landmarks and the line of the lips. Stiff steps take the closest point that faces the same way.
Softer ones compare place and normal at once, which finds the corners of mouth and eyes, where the
surface turns, and slide along it to them. The last ones settle exactly on the surface from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse import linalg
from scipy.spatial import KDTree

from avatar.mesh.closest import FaceTree, closest
from avatar.mesh.edges import adjacency
from avatar.mesh.normals import point_normals
from avatar.transfer.template import Template

Floats = NDArray[np.floating]
Indices = NDArray[np.integer]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Stage:
    """One level of stiffness."""

    bending: float  # weight of the squared Laplacian against one squared distance
    reach: float  # metres: a correspondence at this distance counts a quarter
    cosine: float  # least agreement of normals
    steps: int
    slide: float  # weight of the way along the tangent plane, against 1 across it
    kind: Literal["closest", "alike", "settle"]


STAGES = (
    Stage(1e6, 0.03, 0.5, 4, 0.03, "closest"),
    Stage(1e5, 0.02, 0.5, 5, 0.3, "alike"),
    Stage(1e4, 0.012, 0.6, 6, 0.3, "alike"),
    Stage(1e3, 0.008, 0.6, 6, 0.3, "alike"),
    Stage(1e2, 0.006, 0.6, 6, 0.3, "alike"),
    Stage(2e1, 0.004, 0.7, 6, 0.3, "alike"),
    Stage(5e1, 0.004, 0.7, 3, 0.03, "settle"),
)
TURN = 0.025  # metres that a normal turned by a radian is worth among places
STRETCH = 1e-3  # weight of the displacement's difference along edges, times the bending's
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
    boundary: Mask,
    pulls: Pulls = NO_PULLS,
    stages: Sequence[Stage] = STAGES,
) -> Floats:
    """Template vertices [S, 3] with the body's laid onto the mesh (head space, metres).

    boundary [V] marks the mesh's open edges, on which no correspondence is believed.
    """
    body = np.flatnonzero(template.body)
    laplacian, edges = _operators(template, body)
    samples = _samples(mesh, boundary)
    vertices = template.vertices.copy()
    for stage in stages:
        smooth = stage.bending * (laplacian.T @ laplacian + STRETCH * edges)
        for _ in range(stage.steps):
            find = _alike if stage.kind == "alike" else _closest
            matched = find(template, mesh, samples, vertices, stage)
            reference = vertices if stage.kind == "settle" else template.vertices
            bent = vertices - reference
            pulled = _offsets(pulls, vertices)
            vertices[body] += _solve(template, body, smooth, bent, matched, pulled)
    return vertices


@dataclass(frozen=True)
class Matched:
    """Where template vertices should go."""

    index: Indices  # [P] template vertices
    away: Floats  # [P, 3] from the vertex to its match
    weights: Floats  # [P]
    pull: Floats  # [P, 3, 3] weight by direction: full across the tangent plane, less along it


@dataclass(frozen=True)
class Samples:
    """Corners and centres of the mesh's triangles."""

    points: Floats  # [Q, 3]
    normals: Floats  # [Q, 3]
    inside: Mask  # [Q] false on open edges
    boundary: Mask  # [V]
    tree: KDTree  # of place and weighted normal


def _samples(mesh: FaceTree, boundary: Mask) -> Samples:
    used = np.unique(mesh.faces)
    smooth = point_normals(mesh.vertices, mesh.faces)
    points = np.concatenate([mesh.vertices[used], mesh.vertices[mesh.faces].mean(1)])
    normals = np.concatenate([smooth[used], mesh.normals])
    inside = np.concatenate([~boundary[used], np.ones(len(mesh.faces), bool)])
    tree = KDTree(np.concatenate([points, TURN * normals], 1))
    return Samples(points, normals, inside, boundary, tree)


def _alike(
    template: Template, mesh: FaceTree, samples: Samples, vertices: Floats, stage: Stage
) -> Matched:
    """Matches by place and normal at once."""
    index = np.flatnonzero(template.outer)
    normals = point_normals(vertices, template.skin_faces)[index]
    _, found = samples.tree.query(np.concatenate([vertices[index], TURN * normals], 1))
    away = samples.points[found] - vertices[index]
    agrees = (samples.normals[found] * normals).sum(1) > stage.cosine
    kept = agrees & samples.inside[found]
    return _weighted(template, index[kept], away[kept], samples.normals[found[kept]], stage)


def _closest(
    template: Template, mesh: FaceTree, samples: Samples, vertices: Floats, stage: Stage
) -> Matched:
    """Matches by exact distance to triangles that face the same way."""
    index = np.flatnonzero(template.outer)
    normals = point_normals(vertices, template.skin_faces)[index]
    hit = closest(mesh, vertices[index], normals, stage.cosine, reach=3 * stage.reach)
    corners = mesh.faces[hit.faces]
    on_edge = (hit.weights * samples.boundary[corners]).sum(1) > 0.999
    kept = (hit.faces >= 0) & ~on_edge
    points = np.einsum("qc,qcx->qx", hit.weights, mesh.vertices[corners])
    away = points - vertices[index]
    return _weighted(template, index[kept], away[kept], mesh.normals[hit.faces[kept]], stage)


def _weighted(
    template: Template, index: Indices, away: Floats, normals: Floats, stage: Stage
) -> Matched:
    """Matches with their weights: less where they are far, none beyond three times the reach."""
    distances = np.linalg.norm(away, axis=1)
    weights = (1 + (distances / stage.reach) ** 2) ** -2 * (distances < 3 * stage.reach)
    weights *= np.maximum(template.weight[index], 0.1)
    across = normals[:, :, None] * normals[:, None, :]
    pull = (1 - stage.slide) * across + stage.slide * np.eye(3)
    return Matched(index, away, weights, weights[:, None, None] * pull)


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
    planes = _blocks(place[matched.index], matched.pull, count)
    pulled = sp.coo_array(
        (pulls.weights, (place[pulls.index], place[pulls.index])), (count, count)
    ).tocsr()
    pairs, apart = _pairs(template, place, bent)
    shared = smooth + pulled + pairs
    right = -(smooth @ bent[body]) - apart
    wanted = np.einsum("pxy,py->px", matched.pull, matched.away)
    np.add.at(right, place[matched.index], wanted)
    np.add.at(right, place[pulls.index], pulls.weights[:, None] * pulls.points)
    system = sp.kron(shared, sp.eye_array(3), format="csr") + planes
    weights = np.bincount(place[matched.index], matched.weights, count)
    return _conjugate(system, shared + sp.diags_array(weights * 0.4 + 1e-9), right)


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
