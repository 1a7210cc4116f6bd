"""A differentiable oracle of the rasterizers in plain PyTorch, in float32 or float64.

Written for reading; it shares no formula with the Numba kernels.
"""

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from splat.scene.camera import Camera
from splat.scene.conventions import (
    ALPHA_THRESHOLD,
    BLUR,
    FAR_PLANE,
    FRUSTUM_MARGIN,
    MAX_ALPHA,
    MIN_ALPHA_FOR_DEPTH,
    NEAR_PLANE,
    SH_C0,
    SH_C1,
    SH_C2,
    SH_C3,
    TRANSMITTANCE_STOP,
    RasterizeMode,
)
from splat.scene.gaussians import Gaussians

BLOCK = 16  # pixels, both ways, that are drawn together
SIGMA_AT_THRESHOLD = 5.55  # > ln 255: beyond, even opacity 1 stays below the alpha threshold


def reference_draw(
    gaussians: Gaussians,
    camera: Camera,
    background: Tensor,  # [3]
    mode: RasterizeMode,
    with_depth: bool = True,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Colours [H, W, 3], alphas [H, W] and expected depths [H, W], in the dtype of the means.

    Equations: 3D Gaussian Splatting (arXiv 2308.04079), sections 4 and 6, and EWA splatting, with
    the thresholds of gsplat 1.5.3. Its bounding radii are left out: the threshold lies inside.
    """
    means2d, depths, covariances, compensations = _project(gaussians, camera)
    opacities = gaussians.opacities
    if mode == "antialiased":
        opacities = opacities * compensations
    visible = (depths >= NEAR_PLANE) & (depths <= FAR_PLANE) & (opacities >= ALPHA_THRESHOLD)
    chosen = torch.nonzero(visible)[:, 0]
    order = chosen[torch.argsort(depths[chosen], stable=True)]
    eye = torch.linalg.inv(camera.viewmat.to(depths))[:3, 3]
    colors = sh_to_color(gaussians.sh[order], gaussians.means[order] - eye)
    features = torch.cat([colors, depths[order, None]], dim=1)  # [n, 4]
    splats = (means2d[order], covariances[order], opacities[order], features)
    rows = [
        torch.cat([_block(splats, left, top, camera) for left in range(0, camera.width, BLOCK)], 1)
        for top in range(0, camera.height, BLOCK)
    ]
    pixels = torch.cat(rows)  # [H, W, 5]
    alpha = 1 - pixels[..., 4]
    color = pixels[..., :3] + pixels[..., 4:] * background.to(pixels)
    depth = pixels[..., 3] / alpha.clamp(min=MIN_ALPHA_FOR_DEPTH) if with_depth else None
    return color, alpha, depth


def _rotations(quats: Tensor) -> Tensor:  # [N, 4] -> [N, 3, 3]
    """R v = v + 2 w (q × v) + 2 q × (q × v), as a matrix."""
    quats = torch.nn.functional.normalize(quats, dim=1)
    w, q = quats[:, :1, None], quats[:, 1:]
    identity = torch.eye(3).to(quats)
    cross = torch.linalg.cross(q[:, None, :], identity[None], dim=-1).transpose(1, 2)  # q × v
    return identity + 2 * w * cross + 2 * cross @ cross


def _project(g: Gaussians, camera: Camera) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """means2d [N, 2], depths [N], blurred covariances [N, 2, 2], opacity compensations [N]."""
    viewmat, K = camera.viewmat.to(g.means), camera.K.to(g.means)
    points = g.means @ viewmat[:3, :3].T + viewmat[:3, 3]  # [N, 3]
    depths = points[:, 2]
    safe = torch.where(depths >= NEAR_PLANE, depths, torch.ones_like(depths))  # the rest is culled
    focal, principal = K.diagonal()[:2], K[:2, 2]
    slopes = points[:, :2] / safe[:, None]
    means2d = slopes * focal + principal
    size = torch.tensor([camera.width, camera.height]).to(K)
    margin = FRUSTUM_MARGIN * size / focal
    clamped = torch.clamp(slopes, -principal / focal - margin, (size - principal) / focal + margin)
    zeros = torch.zeros_like(depths)
    fx, fy = (focal[:, None] / safe).unbind(0)
    rows = [fx, zeros, -fx * clamped[:, 0], zeros, fy, -fy * clamped[:, 1]]
    jacobian = torch.stack(rows, dim=1).reshape(-1, 2, 3)
    root = jacobian @ viewmat[:3, :3] @ _rotations(g.quats) @ torch.diag_embed(g.scales)
    sharp = root @ root.transpose(1, 2)
    blurred = sharp + BLUR * torch.eye(2).to(sharp)
    ratio = torch.linalg.det(sharp) / torch.linalg.det(blurred)
    compensations = torch.sqrt(ratio.clamp(min=torch.finfo(ratio.dtype).tiny))
    return means2d, depths, blurred, compensations


def _block(
    splats: tuple[Tensor, ...], left: int, top: int, camera: Camera
) -> Tensor:  # [rows, columns, C + 1]
    """One block of pixels, from the Gaussians whose alpha can reach the threshold in it."""
    columns = torch.arange(left, min(left + BLOCK, camera.width)).to(splats[0]) + 0.5
    rows = torch.arange(top, min(top + BLOCK, camera.height)).to(splats[0]) + 0.5
    means2d, covariances, *_ = (tensor.detach() for tensor in splats)
    reach = torch.sqrt(SIGMA_AT_THRESHOLD * 2 * covariances.diagonal(dim1=1, dim2=2))  # [n, 2]
    first, last = torch.stack([columns[0], rows[0]]), torch.stack([columns[-1], rows[-1]])
    near = ((means2d + reach >= first) & (means2d - reach <= last)).all(dim=1)
    chosen = (tensor[near] for tensor in splats)
    blended = checkpoint(_blend, *chosen, rows, columns, use_reentrant=False)
    assert isinstance(blended, Tensor)
    return blended


def _blend(
    means2d: Tensor,  # [n, 2] front to back
    covariances: Tensor,  # [n, 2, 2]
    opacities: Tensor,  # [n]
    features: Tensor,  # [n, C]
    rows: Tensor,  # [rows] pixel centres
    columns: Tensor,  # [columns]
) -> Tensor:  # [rows, columns, C + 1] features and final transmittance
    dx = (columns[:, None] - means2d[:, 0]).repeat(len(rows), 1)  # [P, n]
    dy = (rows[:, None] - means2d[:, 1]).repeat_interleave(len(columns), dim=0)
    conics = covariances.inverse()
    xx, xy, yy = conics[:, 0, 0], conics[:, 0, 1], conics[:, 1, 1]
    sigma = 0.5 * (xx * dx**2 + yy * dy**2) + xy * dx * dy
    alpha = (opacities * torch.exp(-sigma)).clamp(max=MAX_ALPHA)
    alpha = torch.where(alpha >= ALPHA_THRESHOLD, alpha, 0)
    after = torch.cumprod(1 - alpha, dim=1)
    alpha = torch.where(after > TRANSMITTANCE_STOP, alpha, 0)  # this Gaussian and all behind it
    after = torch.cumprod(1 - alpha, dim=1)
    before = torch.cat([torch.ones_like(after[:, :1]), after[:, :-1]], dim=1)
    blended = (alpha * before) @ features
    final = torch.prod(1 - alpha, dim=1, keepdim=True)
    return torch.cat([blended, final], dim=1).reshape(len(rows), len(columns), -1)


def sh_bases(directions: Tensor, count: int) -> Tensor:
    """First `count` (1, 4, 9 or 16) bases at unit directions: [..., 3] -> [..., count]."""
    x, y, z = directions.unbind(-1)
    xx, yy, zz = x * x, y * y, z * z
    bases = [
        torch.full_like(x, SH_C0),
        -SH_C1 * y,
        SH_C1 * z,
        -SH_C1 * x,
        SH_C2[0] * x * y,
        -SH_C2[0] * y * z,
        SH_C2[1] * (2 * zz - xx - yy),
        -SH_C2[0] * x * z,
        SH_C2[2] * (xx - yy),
        -SH_C3[0] * y * (3 * xx - yy),
        SH_C3[1] * x * y * z,
        -SH_C3[2] * y * (4 * zz - xx - yy),
        SH_C3[3] * z * (2 * zz - 3 * xx - 3 * yy),
        -SH_C3[2] * x * (4 * zz - xx - yy),
        SH_C3[4] * z * (xx - yy),
        -SH_C3[0] * x * (xx - 3 * yy),
    ]
    return torch.stack(bases[:count], dim=-1)


def sh_to_color(sh: Tensor, directions: Tensor) -> Tensor:
    """Colour seen along `directions` (camera to Gaussian): sh [N, K, 3], [N, 3] -> [N, 3], >= 0."""
    bases = sh_bases(torch.nn.functional.normalize(directions, dim=-1), sh.shape[1])  # [N, K]
    return (torch.einsum("nk,nkc->nc", bases, sh) + 0.5).clamp(min=0)
