"""Gaussian blendshapes (Ma et al. 2024, arXiv 2404.19398): how Gaussians change with the
expression, beside moving with their triangles.

Their coefficients are read off the mesh: the offsets of the face's vertices from rest, the head
turned back, along principal directions. So every motion of the mesh has them, and none needs units.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from avatar.geometry.similarity import fit_rotations
from splat import Gaussians

STILL = 0.3e-3  # metres: vertices of a smaller deviation are still
LEAST_FRAMES = 40  # of a film, for each direction
LEAST = 0.01  # of the first direction's size, below which one tells nothing
USUAL = 0.9  # share of the frames whose expression is not extreme


@dataclass(frozen=True)
class ExpressionSpace:
    """Principal directions of the offsets of a face from rest."""

    anchors: Tensor  # [A] vertices that only turn with the head
    points: Tensor  # [P] vertices of the face
    directions: Tensor  # [K, P, 3] coefficients of offsets, one over metres
    radius: Tensor  # [] of the ball of coefficients that were seen

    def coefficients(self, rest: Tensor, vertices: Tensor) -> Tensor:
        """Those [..., K] of meshes [..., V, 3], whatever the pose of the head: 0 at rest [V, 3],
        and no farther from there than what was seen often."""
        offsets = unposed_offsets(rest, vertices, self.anchors, self.points)
        found = torch.einsum("...px,kpx->...k", offsets, self.directions)
        return found * (self.radius / found.norm(dim=-1, keepdim=True)).clamp(max=1)


def unposed_offsets(rest: Tensor, vertices: Tensor, anchors: Tensor, points: Tensor) -> Tensor:
    """Offsets [..., P, 3] of some points of meshes [..., V, 3] from rest [V, 3], after the rigid
    motion that brings the anchors back."""
    before, after = rest[anchors], vertices[..., anchors, :]
    middle, there = before.mean(0), after.mean(-2, keepdim=True)
    rotation = fit_rotations(before - middle, after - there)
    return (vertices[..., points, :] - there) @ rotation - (rest[points] - middle)


def expression_space(
    rest: Tensor, vertices: Tensor, anchors: Tensor, points: Tensor, count: int
) -> ExpressionSpace:
    """The first `count` principal directions of meshes [T, V, 3], about rest [V, 3]; each
    coefficient has a mean square of 1."""
    offsets = unposed_offsets(rest, vertices, anchors, points)  # [T, P, 3]
    moving = (offsets.std(0).norm(dim=1) > STILL).nonzero()[:, 0]
    flat = offsets[:, moving].flatten(1)
    _, sizes, axes = torch.linalg.svd(flat, full_matrices=False)
    count = min(count, len(flat) // LEAST_FRAMES, int((sizes > LEAST * sizes[:1]).sum()))
    scales = sizes[:count, None] / len(flat) ** 0.5
    directions = axes[:count] / scales
    radius = (flat @ directions.T).norm(dim=1).quantile(USUAL)
    return ExpressionSpace(anchors, points[moving], directions.view(count, len(moving), 3), radius)


@dataclass(frozen=True)
class Blendshapes:
    """Changes of some Gaussians, linear in the coefficients."""

    space: ExpressionSpace
    rows: Tensor  # [D] the Gaussians
    changes: Tensor  # [D, 6, K] of their means, and of their SH coefficients of degree 0


STEPS = 127
"""In which a change is kept, each way."""


def in_bytes(changes: Tensor) -> tuple[Tensor, Tensor]:
    """Changes [D, 6, K] in bytes, STEPS + 1 for none; and the sizes [6, K] of STEPS of them."""
    sizes = changes.abs().amax(0)
    steps = STEPS * changes / sizes.clamp(min=torch.finfo(torch.float32).tiny)
    return (steps.round() + STEPS + 1).to(torch.uint8), sizes


def expressed(
    local: Gaussians, blendshapes: Blendshapes | None, rest: Tensor
) -> Callable[[Tensor], Gaussians]:
    """A function vertices [..., V, 3] → the local Gaussians with the expression of the meshes:
    means [..., N, 3] and SH [..., N, S, 3]; without blendshapes as they are."""
    if blendshapes is None:
        return lambda vertices: local
    space, rows = blendshapes.space, blendshapes.rows
    changes = blendshapes.changes.flatten(0, 1).T.contiguous()  # [K, 6 D]

    def local_of(vertices: Tensor) -> Gaussians:
        coefficients = space.coefficients(rest, vertices)  # [..., K]
        change = (coefficients @ changes).unflatten(-1, (len(rows), 6))
        means = local.means.expand(*change.shape[:-2], -1, -1).clone()
        sh = local.sh.expand(*change.shape[:-2], -1, -1, -1).clone()
        means[..., rows, :] += change[..., :3]
        sh[..., rows, 0, :] += change[..., 3:]
        return replace(local, means=means, sh=sh)

    return local_of
