"""Bend anny-head's skin onto a mesh: non-rigid ICP in head space, coarse to fine.

Each step finds for every template vertex a point of the mesh, and solves one sparse least-squares
problem: go to the points' tangent planes, bend little (the squared Laplacian of the displacement),
keep landmarks and the line of the lips. Stiff steps take the closest point that faces the same way.
Softer ones compare position and normal at once, which finds the corners of mouth and eyes, where
the surface turns, and slide along it to them. The last ones converge to the surface from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp
from scipy.sparse import linalg
from scipy.spatial import KDTree

from avatar.geometry.closest import FaceTree, closest
from avatar.geometry.edges import adjacency
from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import Bools, Floats, Ints
from avatar.retarget.template import Template
from common.threads import thread_count


@dataclass(frozen=True)
class Stage:
    """One level of stiffness."""

    bending: float  # weight of the squared Laplacian against one squared distance
    reach: float  # metres: a correspondence at this distance counts a quarter
    cosine: float  # least agreement of normals
    steps: int
    slide: float  # weight of the way along the tangent plane, against 1 across it
    kind: Literal["closest", "features", "final"]


STAGES = (
    Stage(1e6, 0.03, 0.5, 4, 0.03, "closest"),
    Stage(1e5, 0.02, 0.5, 5, 0.3, "features"),
    Stage(1e4, 0.012, 0.6, 6, 0.3, "features"),
    Stage(1e3, 0.008, 0.6, 6, 0.3, "features"),
    Stage(1e2, 0.006, 0.6, 6, 0.3, "features"),
    Stage(2e1, 0.004, 0.7, 6, 0.3, "features"),
    Stage(5e1, 0.004, 0.7, 3, 0.03, "final"),
)
TURN = 0.025  # metres that a normal turned by a radian counts as
STRETCH = 1e-3  # weight of the displacement's difference along edges, times the bending's
PAIRED = 4.0  # weight that holds the sealed lips together
LANDMARK_WEIGHT = 3.0  # weight of a landmark
TOLERANCE, MOST_ITERATIONS = 1e-4, 100  # of conjugate gradients


@dataclass(frozen=True)
class Targets:
    """Template vertices with points to go to."""

    index: Ints  # [P]
    points: Floats  # [P, 3] metres, head space
    weights: Floats  # [P]


NO_TARGETS = Targets(np.zeros(0, int), np.zeros((0, 3)), np.zeros(0))


def bend(
    template: Template, mesh: FaceTree, boundary: Bools, targets: Targets = NO_TARGETS
) -> Floats:
    """Template vertices [S, 3] with the body's registered to the mesh (head space, metres).

    boundary [V] marks the mesh's open edges, where correspondences are rejected.
    """
    body = np.flatnonzero(template.body)
    bending, seal = _bending_matrix(template, body), _lip_matrix(template, body)
    samples = _samples(mesh, boundary)
    held = np.zeros(len(template.vertices))
    held[targets.index] = targets.weights
    vertices = template.vertices.copy()
    for stage in STAGES:
        stiff = sp.csr_array(stage.bending * bending + seal)
        shared = sp.csr_array(stiff + sp.diags_array(held[body]))
        factor = None
        for _ in range(stage.steps):
            matched = _matches(template, mesh, samples, vertices, stage)
            if factor is None:  # the weights change little within a stage
                factor = _factor(shared, matched.weights[body])
            wanted = np.einsum("nxy,ny->nx", matched.pull, matched.away)
            off = targets.points - vertices[targets.index]
            wanted[targets.index] += targets.weights[:, None] * off
            reference = vertices if stage.kind == "final" else template.vertices
            right = wanted[body] - stiff @ (vertices - reference)[body]
            vertices[body] += conjugate(shared, matched.pull[body], factor.solve, right)
    return vertices


@dataclass(frozen=True)
class Matched:
    """Where template vertices should go."""

    away: Floats  # [S, 3] from the vertex to its match
    weights: Floats  # [S], 0 where there is none
    pull: Floats  # [S, 3, 3] weight by direction: full across the tangent plane, less along it


@dataclass(frozen=True)
class Samples:
    """Corners and centres of the mesh's triangles."""

    points: Floats  # [Q, 3]
    normals: Floats  # [Q, 3]
    inside: Bools  # [Q] false on open edges
    boundary: Bools  # [V]
    tree: KDTree  # of position and weighted normal


def _samples(mesh: FaceTree, boundary: Bools) -> Samples:
    used = np.unique(mesh.faces)
    smooth = point_normals(mesh.vertices, mesh.faces)
    points = np.concatenate([mesh.vertices[used], mesh.vertices[mesh.faces].mean(1)])
    normals = np.concatenate([smooth[used], mesh.normals])
    inside = np.concatenate([~boundary[used], np.ones(len(mesh.faces), bool)])
    tree = KDTree(np.concatenate([points, TURN * normals], 1))
    return Samples(points, normals, inside, boundary, tree)


def _matches(
    template: Template, mesh: FaceTree, samples: Samples, vertices: Floats, stage: Stage
) -> Matched:
    """Matches by position and normal at once, or by exact distance to triangles that face the same
    way."""
    index = np.flatnonzero(template.outer)
    at, facing = vertices[index], point_normals(vertices, template.skin_faces)[index]
    if stage.kind == "features":
        sought = np.concatenate([at, TURN * facing], 1)
        _, found = samples.tree.query(sought, workers=thread_count())
        points, normals = samples.points[found], samples.normals[found]
        kept = ((normals * facing).sum(1) > stage.cosine) & samples.inside[found]
    else:
        hit = closest(mesh, at, facing, stage.cosine, reach=3 * stage.reach)
        corners = mesh.faces[hit.faces]
        on_edge = (hit.weights * samples.boundary[corners]).sum(1) > 0.999
        points = np.einsum("qc,qcx->qx", hit.weights, mesh.vertices[corners])
        kept, normals = (hit.faces >= 0) & ~on_edge, mesh.normals[hit.faces]
    return _weighted(template, index[kept], (points - at)[kept], normals[kept], stage)


def _weighted(
    template: Template, index: Ints, away: Floats, normals: Floats, stage: Stage
) -> Matched:
    """Matches with their weights: less where they are far, none beyond three times the reach."""
    distances = np.linalg.norm(away, axis=1)
    weights = (1 + (distances / stage.reach) ** 2) ** -2 * (distances < 3 * stage.reach)
    weights *= np.maximum(template.weight[index], 0.1)
    across = normals[:, :, None] * normals[:, None, :]
    pull = (1 - stage.slide) * across + stage.slide * np.eye(3)
    count = len(template.vertices)
    matched = Matched(np.zeros((count, 3)), np.zeros(count), np.zeros((count, 3, 3)))
    matched.away[index], matched.weights[index] = away, weights
    matched.pull[index] = weights[:, None, None] * pull
    return matched


def _lip_matrix(template: Template, body: Ints) -> sp.csr_array:
    """The matrix [n, n] of the squared gaps of the sealed lips."""
    lips = (template.lips_upper, template.lips_lower)
    upper, lower = (np.searchsorted(body, side) for side in lips)
    pairs, ones = np.arange(len(upper)), np.ones(len(upper))
    entries = (np.r_[ones, -ones], (np.r_[pairs, pairs], np.r_[upper, lower]))
    gaps = sp.coo_array(entries, (len(upper), len(body))).tocsr()
    return PAIRED * gaps.T @ gaps


def _factor(shared: sp.csr_array, weights: Floats) -> linalg.SuperLU:
    """One factor of a matrix [n, n] with weights [n] of matches that serves all three axes."""
    return linalg.splu(
        sp.csc_array(shared + sp.diags_array(0.4 * weights + 1e-9)),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0,
        options={"SymmetricMode": True},
    )


def conjugate(
    shared: sp.csr_array, blocks: Floats, precondition: Callable[[Floats], Floats], right: Floats
) -> Floats:
    """[n, 3] where a matrix [n, n] of each axis plus blocks [n, 3, 3] give `right` [n, 3], by
    conjugate gradients.

    SciPy's own take most of their time to start the threads of BLAS for vectors this short.
    """
    found, rest, way = np.zeros_like(right), right.copy(), np.zeros_like(right)
    enough, before = TOLERANCE**2 * (right**2).sum(), np.inf
    for _ in range(MOST_ITERATIONS):
        if (rest**2).sum() <= enough:
            break
        better = precondition(rest)
        gain = (rest * better).sum()
        way, before = better + gain / before * way, gain
        moved = shared @ way + np.einsum("nxy,ny->nx", blocks, way)
        share = gain / (way * moved).sum()
        found += share * way
        rest -= share * moved
    return found


def _bending_matrix(template: Template, body: Ints) -> sp.csr_array:
    """[n, n] how much the body's mesh bends: its squared uniform Laplacian, and a little of its
    edges' squared differences."""
    links = adjacency(template.skin_faces, len(template.vertices))[body][:, body]
    degree = np.asarray(links.sum(1)).ravel()
    laplacian = sp.eye_array(len(body)) - sp.diags_array(1 / degree) @ links
    return sp.csr_array(laplacian.T @ laplacian + STRETCH * (sp.diags_array(degree) - links))
