"""The CPU backend: tensors in, tensors out."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from splat.cpu.frame import (
    Floats,
    Image,
    Scene,
    View,
    blend,
    blend_bytes,
    gradients,
    project_and_bin,
)
from splat.scene.camera import Camera
from splat.scene.conventions import MIN_ALPHA_FOR_DEPTH, RasterizeMode
from splat.scene.gaussians import Gaussians

Drawing = tuple[Tensor, Tensor, Tensor | None]  # colours [H, W, 3], alphas, expected depths [H, W]


def draw(
    gaussians: Gaussians,
    camera: Camera,
    background: Tensor,  # [3]
    mode: RasterizeMode,
    with_depth: bool,
) -> Drawing:
    """Draw on the CPU, with gradients if any input asks for one and autograd is on."""
    parameters = (
        gaussians.means,
        gaussians.quats,
        gaussians.scales,
        gaussians.opacities,
        gaussians.sh,
        camera.viewmat,
    )
    inputs = (*parameters, background)
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs):
        color, alpha, depth = _Rasterize.apply(*parameters, camera, mode == "antialiased")
        color = color + (1 - alpha)[..., None] * background
    else:
        scene = scene_arrays(gaussians)
        view = view_arrays(camera.viewmat, camera, mode == "antialiased")
        image = blend(project_and_bin(scene, view), view, _array(background), with_depth)
        color, alpha = torch.from_numpy(image.colors), torch.from_numpy(image.alphas)
        depth = None if image.depths is None else torch.from_numpy(image.depths)
    if depth is None or not with_depth:
        return color, alpha, None
    return color, alpha, depth / alpha.clamp(min=MIN_ALPHA_FOR_DEPTH)


def draw_bytes(gaussians: Gaussians, camera: Camera, background: Tensor) -> Tensor:
    """The picture over a colour [3], without gradients: uint8 [H, W, 3]."""
    view = view_arrays(camera.viewmat, camera, antialiased=False)
    splats = project_and_bin(scene_arrays(gaussians), view)
    return torch.from_numpy(blend_bytes(splats, view, _array(background)))


def _array(tensor: Tensor) -> Floats:
    return tensor.detach().to(torch.float32).contiguous().numpy()


def scene_arrays(gaussians: Gaussians) -> Scene:
    """Gaussians as the kernels take them."""
    g = gaussians
    return Scene(*(_array(tensor) for tensor in (g.means, g.quats, g.scales, g.opacities, g.sh)))


def view_arrays(viewmat: Tensor, camera: Camera, antialiased: bool) -> View:
    """A camera as the kernels take it, with `viewmat` [4, 4] in place of its own."""
    matrix = viewmat.detach().double().numpy()
    K = camera.K.tolist()
    lens = (K[0][0], K[1][1], K[0][2], K[1][2], camera.width, camera.height)
    return View(
        np.ascontiguousarray(matrix[:3], np.float32),
        np.linalg.inv(matrix)[:3, 3].astype(np.float32),
        np.array(lens, np.float32),
        antialiased,
    )


def _view_gradient(viewmat: Tensor, sums: np.ndarray) -> Tensor:  # [4, 4]
    """Gradient by the view matrix: by its entries, and by the camera position in its inverse."""
    result = np.zeros((4, 4))
    result[:3, :3], result[:3, 3] = sums[:9].reshape(3, 3), sums[9:12]
    inverse = np.linalg.inv(viewmat.detach().double().numpy())
    by_inverse = np.zeros((4, 4))
    by_inverse[:3, 3] = sums[12:]
    return torch.from_numpy(result - inverse.T @ by_inverse @ inverse.T)


class _Rasterize(torch.autograd.Function):
    """Colours over black, alphas and accumulated depths."""

    @staticmethod
    def forward(
        ctx: Any,
        means: Tensor,  # [N, 3]
        quats: Tensor,  # [N, 4]
        scales: Tensor,  # [N, 3]
        opacities: Tensor,  # [N]
        sh: Tensor,  # [N, K, 3]
        viewmat: Tensor,  # [4, 4]
        camera: Camera,
        antialiased: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        parameters = (means, quats, scales, opacities, sh)
        scene = Scene(*(_array(tensor) for tensor in parameters))
        view = view_arrays(viewmat, camera, antialiased)
        splats = project_and_bin(scene, view)
        image = blend(splats, view, np.zeros(3, np.float32), with_depth=True)
        assert image.depths is not None
        outputs = tuple(
            torch.from_numpy(array) for array in (image.colors, image.alphas, image.depths)
        )
        ctx.save_for_backward(
            *parameters, viewmat, *outputs
        )  # autograd then notices changes in place
        ctx.splats, ctx.view = splats, view
        return outputs  # type: ignore[return-value]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        *parameters, viewmat, color, alpha, depth = ctx.saved_tensors
        scene = Scene(*(_array(tensor) for tensor in parameters))
        only_sh = ctx.needs_input_grad[:6] == (False, False, False, False, True, False)
        image = None if only_sh else Image(_array(color), _array(alpha), _array(depth))
        by_image = Image(*(_array(gradient) for gradient in grad_outputs))
        by_scene, by_camera = gradients(scene, ctx.view, ctx.splats, image, by_image)
        by_parameters = (
            torch.from_numpy(gradient).to(tensor.dtype)
            for gradient, tensor in zip(by_scene, parameters, strict=True)
        )
        return (*by_parameters, _view_gradient(viewmat, by_camera).to(viewmat.dtype), None, None)
