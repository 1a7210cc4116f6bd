"""Whether a face stays the same person's while it moves.

A frame is explained by the person's mesh at rest, what the face's units add to it, and a rigid
motion; what is left is another person's, or no face's at all. Nothing but geometry is needed, so
that any sequence of meshes of one topology can be judged: driven, tracked, or another program's.
"""

import torch
from torch import Tensor

from avatar.geometry.vectors import MM
from avatar.heads import Head

FOLLOWS = 0.999  # of the head's pose: the neck bends and is left out
RIDGE = 1e-7  # of each direction's square: some are nearly sums of others
ROUNDS = 4  # of rigid motion and units in turn


def identity_drift(head: Head, meshes: Tensor, scale: float = 1.0) -> float:
    """How far a face is from its own at most, in mm (rms over its vertices), in 95 % of the frames.

    meshes [F, V, 3] that move `head`, whose vertices are the person at rest; scale: metres in the
    meshes' unit.
    """
    return float(residuals(head, meshes).quantile(0.95)) * scale / MM


def residuals(head: Head, meshes: Tensor) -> Tensor:
    """[F] rms of what neither a rigid motion nor units explain, in the meshes' unit.

    Gauss-Newton: units and small rigid motions are solved for together, the units are kept, and the
    rigid motion is found anew.
    """
    firm = (head.pose_weights > FOLLOWS).nonzero()[:, 0]
    rest, seen = head.vertices[firm].double(), meshes[:, firm].double()
    units = head.units[:, firm].double()
    directions = torch.cat([units, _small_motions(rest)]).flatten(1)  # [E + 6, 3 n]
    sizes = directions.norm(dim=1, keepdim=True).clamp_min(1e-12)
    scaled = directions / sizes
    system = scaled @ scaled.T + RIDGE * torch.eye(len(scaled), dtype=torch.float64)
    solve = torch.linalg.solve(system, scaled) / sizes  # [E + 6, 3 n]
    own = rest.expand_as(seen)
    for _ in range(ROUNDS):
        weights = (_align(seen, own) - rest).flatten(1) @ solve.T
        own = rest + torch.einsum("fe,env->fnv", weights[:, : len(units)], units)
    return (_align(seen, own) - own).square().sum(-1).mean(-1).sqrt()


def _small_motions(points: Tensor) -> Tensor:
    """Shifts and turns [6, n, 3] of points [n, 3]."""
    axes = torch.eye(3).to(points)
    around = (points - points.mean(0)).expand(3, -1, 3)
    turns = torch.linalg.cross(axes[:, None].expand_as(around), around)
    return torch.cat([axes[:, None].expand_as(around), turns])


def _align(seen: Tensor, own: Tensor) -> Tensor:
    """Meshes [F, n, 3] moved rigidly onto others, by least squares (Kabsch 1976)."""
    middle, target = seen.mean(1, keepdim=True), own.mean(1, keepdim=True)
    U, _, Vh = torch.linalg.svd((seen - middle).mT @ (own - target))
    turned = torch.linalg.det(U @ Vh).sign()
    U = torch.cat([U[..., :2], U[..., 2:] * turned[:, None, None]], -1)
    return (seen - middle) @ (U @ Vh) + target
