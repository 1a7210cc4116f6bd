"""How long the CPU rasterizer takes, beside its obvious form and the oracle."""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from splat import reference
from splat.cpu.frame import Image, Scene, View, blend, gradients, project_and_bin, slots
from splat.cpu.naive import rasterize_naively, rasterize_naively_backward
from splat.cpu.project_backward import project_backward
from splat.cpu.render import draw, scene_arrays, view_arrays
from splat.scene.camera import Camera, orbit
from splat.scene.gaussians import Gaussians

SIZE = 512  # pixels, both ways
HEAD_HEIGHT = 0.24  # metres
HEAD_SHARE = 0.75  # of the image height
WHITE = torch.ones(3)


@dataclass(frozen=True)
class RasterTimes:
    """Medians of whole frames in milliseconds: projection, sort, binning, blending, and back."""

    gaussians: int
    sh_degree: int
    forward: float
    backward: float
    naive_forward: float
    naive_backward: float
    oracle_forward: float | None  # None where it was not run
    oracle_backward: float | None


def head_of_gaussians(n: int, sh_degree: int, seed: int = 0) -> Gaussians:
    """An ellipsoid the size of a head, covered with flat Gaussians of about 1.6 mm."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    directions = torch.nn.functional.normalize(normal(n, 3), dim=1)
    shell = torch.tensor([0.085, 0.12, 0.1]) * (1 + 0.01 * normal(n, 1))
    scales = HEAD_HEIGHT / 150 * torch.exp(0.4 * normal(n, 3)) * torch.tensor([1, 1, 0.4])
    return Gaussians(
        means=directions * shell,
        quats=normal(n, 4),
        scales=scales,
        opacities=0.1 + 0.9 * torch.rand(n, generator=generator),
        sh=0.3 * normal(n, (sh_degree + 1) ** 2, 3),
    )


def head_camera() -> Camera:
    """Sees the head three quarters of the image high, a little from the side."""
    fov_y = math.degrees(2 * math.atan(HEAD_HEIGHT / HEAD_SHARE / 2))
    return orbit(torch.zeros(3), 1.0, 12, 0, fov_y, SIZE, SIZE)


def median_ms(function: Callable[[], Any], repeats: int) -> float:
    """Median wall time of `repeats` calls after one that does not count."""
    function()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def measure_rasterizers(
    n: int, sh_degree: int, *, repeats: int = 15, with_oracle: bool = False
) -> RasterTimes:
    """Time all forms on one scene of `n` Gaussians at 512x512."""
    gaussians, camera = head_of_gaussians(n, sh_degree), head_camera()
    scene = scene_arrays(gaussians)
    view = view_arrays(camera.viewmat, camera, antialiased=False)
    few = max(3, repeats // 5)
    oracle = _oracle_ms(gaussians, camera) if with_oracle else (None, None)
    return RasterTimes(
        n,
        sh_degree,
        median_ms(lambda: draw(gaussians, camera, WHITE, "classic", False), repeats),
        _backward_ms(scene, view, repeats),
        *_naive_ms(scene, view, few),
        *oracle,
    )


def _random_gradients(image: Image) -> Image:
    generator = np.random.default_rng(1)
    planes = (plane for plane in image if plane is not None)
    return Image(*(generator.standard_normal(plane.shape, np.float32) for plane in planes))


def _backward_ms(scene: Scene, view: View, repeats: int) -> float:
    splats = project_and_bin(scene, view)
    image = blend(splats, view, np.zeros(3, np.float32), with_depth=True)
    by_image = _random_gradients(image)
    return median_ms(lambda: gradients(scene, view, splats, image, by_image), repeats)


def _naive_ms(scene: Scene, view: View, repeats: int) -> tuple[float, float]:
    image = blend(project_and_bin(scene, view), view, np.zeros(3, np.float32), with_depth=True)
    by_image = _random_gradients(image)

    def forward() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        splats = project_and_bin(scene, view)
        visible = np.flatnonzero((splats.rects[:, 1] > 0) & (splats.rects[:, 3] > 0))
        depths = splats.fields[visible, 9]
        order = visible[np.argsort(depths, kind="stable")].astype(np.int32)
        rasterize_naively(splats.fields, splats.rects, order, np.zeros(3, np.float32), *image)
        return splats.fields, splats.rects, order

    fields, rects, order = forward()
    seen = np.minimum(np.diff(slots(rects)), 1)
    first_slots = np.concatenate([[0], np.cumsum(seen)])

    def backward() -> None:
        sums = rasterize_naively_backward(fields, rects, order, tuple(image), tuple(by_image))
        result = tuple(np.zeros_like(array) for array in scene)
        project_backward(tuple(scene), *view, fields, first_slots, sums[seen > 0], result)

    return median_ms(forward, repeats), median_ms(backward, repeats)


def _oracle_ms(gaussians: Gaussians, camera: Camera) -> tuple[float, float]:
    """One forward and one backward of the oracle; it takes seconds, so there is no median."""
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in vars(gaussians).items()}
    started = time.perf_counter()
    color, _, _ = reference.draw(Gaussians(**leaves), camera, WHITE, "classic", with_depth=False)
    forward = time.perf_counter()
    torch.autograd.grad(color.sum(), list(leaves.values()))
    return 1000 * (forward - started), 1000 * (time.perf_counter() - forward)
