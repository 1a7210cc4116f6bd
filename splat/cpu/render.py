"""The CPU backend: tensors in, tensors out."""

import numpy as np
import torch
from torch import Tensor

from splat.camera import Camera
from splat.conventions import RasterizeMode
from splat.cpu.frame import Float32s, Scene, blend, project_and_bin
from splat.gaussians import Gaussians


def _array(tensor: Tensor) -> Float32s:
    return tensor.detach().to(torch.float32).contiguous().numpy()


def camera_arrays(viewmat: Tensor, K: Tensor, width: int, height: int) -> tuple[Float32s, ...]:
    """view [3, 4], camera position [3] and lens [6] as the kernels take them."""
    view = viewmat.detach().double().numpy()
    position = np.linalg.inv(view)[:3, 3]
    lens = (K[0, 0].item(), K[1, 1].item(), K[0, 2].item(), K[1, 2].item(), width, height)
    contiguous = (np.ascontiguousarray(a, np.float32) for a in (view[:3], position, lens))
    return tuple(contiguous)


def draw(
    gaussians: Gaussians,
    camera: Camera,
    background: Tensor,  # [3]
    mode: RasterizeMode,
    with_depth: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Colours [H, W, 3], alphas [H, W] and accumulated depths [H, W], without gradients."""
    scene = Scene(
        _array(gaussians.means),
        _array(gaussians.quats),
        _array(gaussians.scales),
        _array(gaussians.opacities),
        _array(gaussians.sh),
        *camera_arrays(camera.viewmat, camera.K, camera.width, camera.height),
        mode,
    )
    image = blend(project_and_bin(scene), scene, _array(background), with_depth)
    depths = None if image.depths is None else torch.from_numpy(image.depths)
    return torch.from_numpy(image.colors), torch.from_numpy(image.alphas), depths
