"""Losses of training: L1 and SSIM weighted by pixel, and regularisers of the Gaussians.

Structural similarity (Wang et al. 2004) has a Gaussian window. As torch's convolutions are slow on
the CPU, its sum and gradient are also compiled: three passes over rows, each in parallel and
without write conflicts.

The regularisers of position and scale are GaussianAvatars' (arXiv 2312.02069, section 4.3). They
allow a Gaussian to be off its triangle by about the triangle's size, which between the training
cameras is visible as a seam of fog around the head. The regulariser of thickness is meant against
that; it helped where training was continued from thick Gaussians and made little difference from
the start.

Errors at the eyes and the mouth, which are small but salient, get a larger weight: in cells of the
picture that hold a projected vertex of these regions which faces the camera.
"""

from typing import Any

import numpy as np
import torch
from numba import prange
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from avatar.geometry.triangle_mesh import vertex_normals
from avatar.geometry.zbuffer import project, towards
from common.kernels import cached_njit
from splat import Camera

WINDOW = 11  # pixels
SIGMA = 1.5  # pixels
C1, C2 = 0.01**2, 0.03**2  # for pixels in [0, 1]


def gaussian_window() -> Tensor:  # [WINDOW] float64
    """The window's weights along one axis; they sum to 1."""
    ticks = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    window = torch.exp(-ticks.square() / (2 * SIGMA**2))
    return window / window.sum()


def ssim_map(a: Tensor, b: Tensor) -> Tensor:
    """SSIM of pictures [H, W, C] in [0, 1] wherever the whole window fits in: [H-10, W-10, C].

    The pictures must be at least as large as the window.
    """
    assert min(a.shape[:2]) >= WINDOW, a.shape
    x, y = a.permute(2, 0, 1), b.permute(2, 0, 1)
    blurred = _blur(torch.stack([x, y, x * x, y * y, x * y]))
    mean_x, mean_y, square_x, square_y, product = blurred
    covariance = product - mean_x * mean_y
    variances = square_x - mean_x * mean_x + square_y - mean_y * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    top = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    return (top / ((squares + C1) * (variances + C2))).permute(1, 2, 0)


def _blur(planes: Tensor) -> Tensor:
    """Gaussian window, without padding: [..., H, W] → [..., H-10, W-10]."""
    window = gaussian_window().to(planes)
    flat = planes.reshape(-1, 1, *planes.shape[-2:])
    rows = functional.conv2d(flat, window.view(1, 1, -1, 1))
    both = functional.conv2d(rows, window.view(1, 1, 1, -1))
    return both.view(*planes.shape[:-2], *both.shape[-2:])


Floats = NDArray[np.float32]

_WEIGHTS = gaussian_window().float().numpy()
_C1, _C2, _TWO = np.float32(C1), np.float32(C2), np.float32(2)


def ssim_and_gradient(a: Floats, b: Floats, weights: Floats) -> tuple[float, Floats]:
    """Sum over windows of weight times SSIM, and its gradient by `a`.

    a, b [H, W, 3] in [0, 1]; weights [H, W], that of a window being the weight of its centre.
    """
    blurred = _blur_rows(a, b, _WEIGHTS)
    sums, partials = _compare(blurred, weights, _WEIGHTS)
    return float(sums.sum()), _spread(a, b, partials, _WEIGHTS)


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
def _blur_rows(a: Floats, b: Floats, window: Floats) -> Floats:
    """[3, H, 5, W - 10]: a, b, a², b² and ab, blurred along the rows."""
    height, width = a.shape[0], a.shape[1]
    inner = width - WINDOW + 1
    blurred = np.zeros((3, height, 5, inner), np.float32)
    for task in prange(3 * height):
        c, row = task // height, task % height
        planes = np.empty((5, width), np.float32)
        for j in range(width):
            x, y = a[row, j, c], b[row, j, c]
            planes[0, j], planes[1, j] = x, y
            planes[2, j], planes[3, j], planes[4, j] = x * x, y * y, x * y
        for p in range(5):
            for k in range(WINDOW):
                w = window[k]
                for j in range(inner):
                    blurred[c, row, p, j] += w * planes[p, j + k]
    return blurred


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
def _compare(
    blurred: Floats, weights: Floats, window: Floats
) -> tuple[NDArray[np.float64], Floats]:
    """Sums of each row; their derivatives [3, H - 10, 3, W - 10] by mean a, mean a², mean ab."""
    height, inner = blurred.shape[1] - WINDOW + 1, blurred.shape[3]
    sums = np.zeros(3 * height, np.float64)
    partials = np.empty((3, height, 3, inner), np.float32)
    for task in prange(3 * height):
        c, row = task // height, task % height
        m = np.zeros((5, inner), np.float32)
        for k in range(WINDOW):
            w = window[k]
            for p in range(5):
                for j in range(inner):
                    m[p, j] += w * blurred[c, row + k, p, j]
        total = np.float32(0)
        for j in range(inner):
            x, y, xx, yy, xy = m[0, j], m[1, j], m[2, j], m[3, j], m[4, j]
            top_1, top_2 = _TWO * x * y + _C1, _TWO * (xy - x * y) + _C2
            low_1, low_2 = x * x + y * y + _C1, xx - x * x + yy - y * y + _C2
            weight = weights[row + WINDOW // 2, j + WINDOW // 2]
            scaled = weight / (low_1 * low_2)
            ssim = top_1 * top_2 * scaled
            total += ssim
            by_x = _TWO * scaled * y * (top_2 - top_1) - _TWO * x * ssim * (low_2 - low_1) / (
                low_1 * low_2
            )
            partials[c, row, 0, j] = by_x
            partials[c, row, 1, j] = -ssim / low_2
            partials[c, row, 2, j] = _TWO * scaled * top_1
        sums[task] = total
    return sums, partials


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
def _spread(a: Floats, b: Floats, partials: Floats, window: Floats) -> Floats:
    """Gradient by a [H, W, 3]: the derivatives of all windows that a pixel lies in."""
    height, width = a.shape[0], a.shape[1]
    inner_height, inner = partials.shape[1], partials.shape[3]
    gradient = np.empty((3, height, width), np.float32)
    for task in prange(3 * height):
        c, row = task // height, task % height
        columns = np.zeros((3, inner), np.float32)
        for k in range(max(0, row - inner_height + 1), min(WINDOW, row + 1)):
            w = window[k]
            for p in range(3):
                for j in range(inner):
                    columns[p, j] += w * partials[c, row - k, p, j]
        wide = np.zeros((3, width), np.float32)
        for p in range(3):
            for k in range(WINDOW):
                w = window[k]
                for j in range(inner):
                    wide[p, j + k] += w * columns[p, j]
        for j in range(width):
            x, y = a[row, j, c], b[row, j, c]
            gradient[c, row, j] = wide[0, j] + _TWO * x * wide[1, j] + y * wide[2, j]
    return gradient


def photometric_loss(drawn: Tensor, target: Tensor, weights: Tensor, ssim_share: float) -> Tensor:
    """(1 - share) · L1 + share · (1 - SSIM), each the mean over the picture of weight times value.

    drawn, target [H, W, 3] in [0, 1]; weights [H, W], about 1 on average. As in 3D Gaussian
    Splatting (Kerbl et al. 2023, equation 7).
    """
    if not drawn.is_cuda:
        return _OnCpu.apply(drawn, target, weights, ssim_share)  # type: ignore[return-value]
    return naive_photometric_loss(drawn, target, weights, ssim_share)


def naive_photometric_loss(
    drawn: Tensor, target: Tensor, weights: Tensor, ssim_share: float
) -> Tensor:
    """The same by torch's own operators."""
    l1 = ((drawn - target).abs() * weights[..., None]).mean()
    half = WINDOW // 2
    inner = weights[half:-half, half:-half, None]
    unlike = (inner * (1 - ssim_map(drawn, target))).mean()
    return (1 - ssim_share) * l1 + ssim_share * unlike


class _OnCpu(torch.autograd.Function):
    """Value and gradient in one go."""

    @staticmethod
    def forward(ctx: Any, drawn: Tensor, target: Tensor, weights: Tensor, share: float) -> Tensor:
        half = WINDOW // 2
        windows = weights[half:-half, half:-half]
        count = 3 * windows.numel()
        total, gradient = ssim_and_gradient(
            drawn.detach().contiguous().numpy(), target.numpy(), weights.contiguous().numpy()
        )
        difference = (drawn.detach() - target) * weights[..., None]
        unlike = windows.mean() - total / count
        by_l1 = difference.sign() * weights[..., None] * ((1 - share) / drawn.numel())
        by_ssim = torch.from_numpy(gradient).permute(1, 2, 0) * (-share / count)
        ctx.save_for_backward(by_l1 + by_ssim)
        return (1 - share) * difference.abs().mean() + share * unlike

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad_outputs[0], None, None, None


FREE_DISTANCE = 1.0
"""In units of the triangle's size: centres may stray this far from the triangle's."""
FREE_SIZE = 0.6
"""In the same units: standard deviations may be this large."""


def position_excess(means_tri: Tensor) -> Tensor:
    """Mean over Gaussians and axes of how far local centres [N, 3] lie beyond the free distance."""
    return (means_tri.abs() - FREE_DISTANCE).clamp(min=0).mean()


def scale_excess(log_scales_tri: Tensor) -> Tensor:
    """Mean over Gaussians of the length of what local sizes [N, 3] exceed the free size by."""
    excess = (torch.exp(log_scales_tri) - FREE_SIZE).clamp(min=0)
    return torch.linalg.vector_norm(excess, dim=-1).mean()


def thickness(quats_tri: Tensor, log_scales_tri: Tensor) -> Tensor:
    """Mean over Gaussians of the standard deviation along the triangle's normal.

    quats_tri [N, 4] wxyz, log_scales_tri [N, 3], in the triangle's frame, whose second axis is the
    normal.
    """
    w, x, y, z = torch.nn.functional.normalize(quats_tri, dim=-1).unbind(-1)
    normal = torch.stack([x * y + w * z, 0.5 - x * x - z * z, y * z - w * x], dim=-1)
    return torch.linalg.vector_norm(2 * normal * torch.exp(log_scales_tri), dim=-1).mean()


CELL = 1 / 32  # of the picture's longer side


def emphasised_pixels(
    camera: Camera,
    vertices: Tensor,  # [V, 3]
    faces: Tensor,  # [M, 3]
    region: Tensor,  # [R] vertex indices
    strength: float,
) -> Tensor:
    """Weights [H, W]: 1 elsewhere, 1 + strength in cells that hold a vertex of the region."""
    height, width = camera.height, camera.width
    if not len(region) or strength == 0:
        return torch.ones(height, width, device=vertices.device)
    pixels, _ = project(camera, vertices[region])
    normals = vertex_normals(vertices, faces)[region]
    facing = (normals * towards(camera, vertices[region])).sum(-1) > 0
    cell = max(1.0, CELL * max(width, height))
    columns, rows = -(-width // int(cell)), -(-height // int(cell))
    grid = torch.zeros(rows, columns, device=vertices.device)
    cells = (pixels / int(cell)).floor().long()
    inside = facing & (cells >= 0).all(1) & (cells[:, 0] < columns) & (cells[:, 1] < rows)
    grid[cells[inside, 1], cells[inside, 0]] = strength
    soft = functional.interpolate(
        grid[None, None], scale_factor=float(int(cell)), mode="bilinear", align_corners=False
    )
    return 1 + soft[0, 0, :height, :width]
