"""Densification: budgets of triangles, clones, splits, pruning.

The rules are those of 3D Gaussian Splatting as GaussianAvatars bounds them (children stay on their
parent's triangle, no triangle loses its last Gaussian), with a budget: each round a fixed number of
new Gaussians is dealt to the triangles by their screen-space gradients, which are averaged between
two rounds.

`splat.render` does not return projected centres, so the gradient by them is computed from the
gradient by the centres in the world: its part across the view, times the width of one pixel at that
depth.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.geometry.rotations import quaternion_to_matrix
from avatar.geometry.triangle_mesh import Mesh
from avatar.reconstruct.bound_gaussians import BoundGaussians
from avatar.reconstruct.visual_hull import head_radius
from avatar.rigging.binding import triangle_frames
from splat import Camera

FIRST, LAST = 0.03, 0.5
"""Shares of the steps before the first round, and after which nothing is added or pruned; the
budget is spent evenly."""
THRESHOLD = 2e-5
"""Mean gradient by the position in the picture (in half picture widths) below which a Gaussian
does not multiply."""
SPLIT_SIZE = 0.01  # of the head's radius: larger Gaussians are split, smaller ones cloned
PRUNE_SIZE, PRUNE_OPACITY = 0.1, 0.005  # of the head's radius: larger, or fainter ones are removed
SPLIT_SHRINK = 0.7  # of the longest axis
SPLIT_OFFSET = (1 - SPLIT_SHRINK**2) ** 0.5  # of it: keeps the variance
SPLIT_OPACITY = 1 / (2 * SPLIT_SHRINK)  # keeps the mass


@dataclass(frozen=True)
class Change:
    """Gaussians after a round, and where their rows come from."""

    bound: BoundGaussians
    origin: Tensor  # [N] rows of those before
    fresh: Tensor  # [N] bool: a row that was not there before


def densify(
    bound: BoundGaussians,
    gradients: Tensor,  # [N] mean gradient by the position in the picture
    allowed: int,  # Gaussians after the round
    rest: Mesh,
) -> Change:
    """One round: prune, then multiply those with large gradients, `allowed` at most."""
    frames = triangle_frames(rest.vertices, rest.faces)
    radius = head_radius(rest.vertices)
    sizes = bound.parts["log_scales"].exp().amax(1) * frames.scales[bound.binding]  # [N] metres
    opacities = torch.sigmoid(bound.parts["opacity_logits"])
    useless = (opacities < PRUNE_OPACITY) | (sizes > PRUNE_SIZE * radius)
    kept = ~useless | last_of_face(useless, opacities, bound.binding)
    able = kept & (gradients > THRESHOLD)
    budget = max(0, allowed - int(kept.sum()))
    chosen = choose(torch.where(able, gradients, 0), bound.binding, len(rest.faces), budget)
    split = chosen & (sizes > SPLIT_SIZE * radius)
    return multiply(bound, kept, chosen & ~split, split)


def last_of_face(useless: Tensor, opacities: Tensor, binding: Tensor) -> Tensor:
    """Of each face of which all Gaussians are useless, the most opaque: [N] bool."""
    faces = int(binding.max()) + 1
    good = torch.zeros(faces, dtype=torch.int64, device=binding.device)
    good.index_add_(0, binding, (~useless).long())
    rank = torch.empty_like(binding)
    order = torch.argsort(opacities, stable=True)
    rank[order] = torch.arange(len(order), device=order.device)
    best = torch.zeros_like(good).scatter_reduce(0, binding, rank, "amax")
    last = rank == best[binding]
    return last & (good[binding] == 0)


def choose(gradients: Tensor, binding: Tensor, faces: int, budget: int) -> Tensor:
    """Which Gaussians multiply: [N] bool, `budget` at most.

    gradients [N]: of the loss in the picture, 0 where a Gaussian is not to multiply. Every
    face gets a share of the budget in proportion to the sum of its gradients, and spends it on its
    steepest Gaussians.
    """
    by_face = torch.zeros(faces, dtype=torch.float64, device=gradients.device)
    by_face.index_add_(0, binding, gradients.double())
    total = float(by_face.sum())
    if budget <= 0 or total <= 0:
        return torch.zeros_like(gradients, dtype=torch.bool)
    dealt = torch.floor(torch.cumsum(by_face, 0) * (budget / total) + 1e-9)
    quota = torch.diff(dealt, prepend=dealt.new_zeros(1)).long()  # [M], adds up to at most `budget`
    order = torch.argsort(gradients, descending=True, stable=True)
    order = order[torch.argsort(binding[order], stable=True)]  # by face, the steepest first
    counts = torch.bincount(binding, minlength=faces)
    starts = torch.cumsum(counts, 0) - counts
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=order.device) - starts[binding[order]]
    return (rank < quota[binding]) & (gradients > 0)


def multiply(bound: BoundGaussians, kept: Tensor, clone: Tensor, split: Tensor) -> Change:
    """Remove all but the `kept`, double the `clone`, part the `split`, all [N] bool.

    Copies lie on their original, and both together cover what it covered. Parts lie side by side
    along the longest axis with the variance and mass that the whole had.
    """
    old, copies, parts = (
        mask.nonzero().squeeze(1) for mask in (kept & ~split, clone & kept, split & kept)
    )
    origin = torch.cat([old, copies, parts, parts])
    tensors = {name: tensor.detach()[origin] for name, tensor in bound.parts.items()}
    both = clone[origin]
    tensors["opacity_logits"][both] = _halved(tensors["opacity_logits"][both])
    _part(tensors, len(old) + len(copies), len(parts))
    fresh = torch.arange(len(origin), device=origin.device) >= len(old)
    return Change(BoundGaussians(tensors, bound.binding[origin]), origin, fresh)


def _halved(logits: Tensor) -> Tensor:
    """Logits of the opacity that two layers need to be as opaque as one: 1 - sqrt(1 - o)."""
    return _logit(1 - torch.sqrt(torch.sigmoid(-logits)))


def _part(tensors: Mapping[str, Tensor], first: int, count: int) -> None:
    """Make the rows first.. (one part each) and first + count.. (the other) of wholes."""
    rows = slice(first, first + 2 * count)
    log_scales = tensors["log_scales"][rows]
    longest = log_scales.argmax(1, keepdim=True)  # [2 count, 1]
    axes = quaternion_to_matrix(tensors["quats"][rows])
    axis = axes.gather(2, longest[:, None, :].expand(-1, 3, 1)).squeeze(2)
    offset = SPLIT_OFFSET * axis * log_scales.gather(1, longest).exp()
    offset[count:] *= -1
    tensors["means"][rows] += offset
    shrink = torch.tensor(SPLIT_SHRINK).log().to(log_scales)
    tensors["log_scales"][rows] = log_scales.scatter_add(1, longest, shrink.expand(longest.shape))
    opacities = torch.sigmoid(tensors["opacity_logits"][rows])
    tensors["opacity_logits"][rows] = _logit(SPLIT_OPACITY * opacities)


def _logit(opacities: Tensor) -> Tensor:
    return torch.logit(opacities.clamp(1e-6, 1 - 1e-6))


def allowed_at(progress: float, start: int, budget: int) -> int:
    """Gaussians that there may be at `progress` in [0, 1] of the training."""
    share = (progress - FIRST) / (LAST - FIRST)
    return round(start + min(1.0, max(0.0, share)) * (budget - start))


def screen_gradients(means_world: Tensor, gradient: Tensor, camera: Camera) -> Tensor:
    """Length [N] of the gradient by the centre in the picture, in half pictures.

    means_world, gradient [N, 3]: the centres, and the loss's gradient by them.
    """
    viewmat = camera.viewmat.detach().to(means_world)
    depth = means_world @ viewmat[2, :3] + viewmat[2, 3]
    across = gradient @ viewmat[:2, :3].T  # [N, 2] by metres
    half = across.new_tensor([camera.width, camera.height]) / 2
    focal = across.new_tensor([float(camera.K[0, 0]), float(camera.K[1, 1])])
    return torch.linalg.vector_norm(across * (half / focal), dim=1) * depth.abs()
