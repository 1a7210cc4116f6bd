"""Time the CPU rasterizer."""

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from splat.cpu.frame import Image, Scene, View, blend, gradients, project_and_bin
from splat.cpu.render import draw, scene_arrays, view_arrays
from splat.scene.camera import Camera, orbit
from splat.scene.gaussians import Gaussians

SIZE = 512  # pixels, both ways
HEAD_HEIGHT = 0.24  # metres
HEAD_SHARE = 0.75  # of the image height
WHITE = torch.ones(3)
REPEATS = 15


def head_of_gaussians(n: int, sh_degree: int) -> Gaussians:
    """An ellipsoid the size of a head, covered with flat Gaussians of about 1.6 mm."""
    generator = torch.Generator().manual_seed(0)

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


def median_ms(function: Callable[[], Any]) -> float:
    """Median wall time of REPEATS calls after one that does not count."""
    function()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def measure_rasterizer(n: int, sh_degree: int) -> tuple[float, float]:
    """Medians in milliseconds of a whole frame (projection, sort, binning, blending) of `n`
    Gaussians at 512x512, and of its gradients."""
    gaussians, camera = head_of_gaussians(n, sh_degree), head_camera()
    scene = scene_arrays(gaussians)
    view = view_arrays(camera.viewmat, camera, antialiased=False)
    forward = median_ms(lambda: draw(gaussians, camera, WHITE, "classic", False))
    return forward, _backward_ms(scene, view)


def _backward_ms(scene: Scene, view: View) -> float:
    splats = project_and_bin(scene, view)
    image = blend(splats, view, np.zeros(3, np.float32), with_depth=True)
    generator = np.random.default_rng(1)
    planes = (plane for plane in image if plane is not None)
    by_image = Image(*(generator.standard_normal(plane.shape, np.float32) for plane in planes))
    return median_ms(lambda: gradients(scene, view, splats, image, by_image))
