"""Random scenes, and the comparison of two renderers by pixels and gradients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from splat import Camera, Gaussians, RasterizeMode, look_at

Draw = Callable[
    [Gaussians, Camera, Tensor, RasterizeMode, bool], tuple[Tensor, Tensor, Tensor | None]
]


@dataclass(frozen=True)
class Setting:
    """A scene and how it is looked at."""

    gaussians: Gaussians
    camera: Camera
    mode: RasterizeMode = "classic"


class Result(NamedTuple):
    """Images (colour, alpha, depth) and gradients of a random loss on them, by name."""

    images: dict[str, Tensor]
    gradients: dict[str, Tensor]


def make_gaussians(n: int, degree: int, seed: int, spread: float = 0.3) -> Gaussians:
    """A cloud of `n` Gaussians of very different shapes and opacities round the origin."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    return Gaussians(
        means=spread * normal(n, 3),
        quats=normal(n, 4),
        scales=torch.exp(0.5 * normal(n, 3) - 3),
        opacities=0.02 + 0.97 * torch.rand(n, generator=generator),
        sh=0.3 * normal(n, (degree + 1) ** 2, 3),
    )


def make_camera(eye: tuple[float, float, float], width: int = 75, height: int = 61) -> Camera:
    target, up = torch.tensor([0.02, 0.0, -0.05]), torch.tensor([0.1, 1.0, 0.0])
    return look_at(torch.tensor(eye), target, up, focal=80.0, width=width, height=height)


def draw_with_gradients(
    draw: Draw, setting: Setting, dtype: torch.dtype, device: str = "cpu"
) -> Result:
    """Draw, and differentiate a randomly weighted sum of colour, alpha and depth."""
    names = ("means", "quats", "scales", "opacities", "sh")
    leaves = {
        name: getattr(setting.gaussians, name).to(device, dtype).requires_grad_() for name in names
    }
    camera = setting.camera
    leaves["viewmat"] = camera.viewmat.to(device, dtype).requires_grad_()
    moved = Camera(leaves["viewmat"], camera.K, camera.width, camera.height)
    gaussians = Gaussians(**{name: leaves[name] for name in names})
    background = torch.tensor([0.2, 0.5, 0.7], device=device, dtype=dtype)
    color, alpha, depth = draw(gaussians, moved, background, setting.mode, True)
    assert depth is not None
    images = {"color": color, "alpha": alpha, "depth": depth}
    generator = torch.Generator().manual_seed(7)
    loss = torch.zeros((), device=device, dtype=dtype)
    for image in images.values():
        loss = loss + (image * torch.randn(image.shape, generator=generator).to(image)).sum()
    gradients = torch.autograd.grad(loss, list(leaves.values()))
    return Result(
        {name: image.detach().double().cpu() for name, image in images.items()},
        {name: g.double().cpu() for name, g in zip(leaves, gradients, strict=True)},
    )


def assert_same(result: Result, expected: Result) -> None:
    """Equal up to float32: mean < 1e-5, 99.9 % of pixels < 1e-4, gradients 1e-3 relative L2."""
    for name, image in expected.images.items():
        difference = (result.images[name] - image).abs()
        assert difference.mean() < 1e-5, name
        assert (difference < 1e-4).double().mean() > 0.999, name
    for name, gradient in expected.gradients.items():
        error = (result.gradients[name] - gradient).norm()
        assert error <= 1e-3 * gradient.norm() + 1e-12, (name, error / gradient.norm())


def settings() -> dict[str, Setting]:
    """Settings in which rasterizers tend to differ."""
    return {
        "degree 0": Setting(make_gaussians(800, 0, 0), make_camera((0, 0, 1.5))),
        "degree 1": Setting(make_gaussians(800, 1, 1), make_camera((0.3, 0.2, 0.9))),
        "degree 2": Setting(make_gaussians(800, 2, 2), make_camera((-0.8, 0.1, 0.8), 64, 48)),
        "degree 3": Setting(make_gaussians(800, 3, 3), make_camera((0.5, 0.2, 1.0))),
        "antialiased": Setting(
            make_gaussians(800, 3, 4), make_camera((0.4, 0.3, 2.5)), "antialiased"
        ),
        "camera inside the cloud": Setting(
            make_gaussians(800, 2, 5, spread=0.6), make_camera((0.1, 0.1, 0.1), 33, 50)
        ),
        "antialiased inside": Setting(
            make_gaussians(800, 1, 6, spread=0.6), make_camera((0.1, 0.1, 0.1)), "antialiased"
        ),
        "one pixel": Setting(make_gaussians(100, 0, 7), make_camera((0, 0, 1.5), 1, 1)),
        "one Gaussian": Setting(make_gaussians(1, 3, 8, 0.01), make_camera((0, 0, 1.0), 17, 16)),
        "narrow": Setting(make_gaussians(200, 0, 9), make_camera((0, 0, 1.5), 3, 70)),
    }


FROZEN = ("degree 1", "antialiased", "camera inside the cloud", "one Gaussian", "narrow")
"""Settings of which `tests/data/gsplat.npz` holds what gsplat drew, with its gradients."""


def frozen(arrays: Mapping[str, np.ndarray], name: str) -> Result:
    """What gsplat drew of a setting."""
    images, gradients = (
        {
            key.removeprefix(start): torch.from_numpy(part).double()
            for key, part in arrays.items()
            if key.startswith(start)
        }
        for start in (f"{name}/images/", f"{name}/gradients/")
    )
    return Result(images, gradients)


def freeze(path: Path) -> None:
    """Write what gsplat draws on this machine's CUDA device."""
    from splat import cuda  # noqa: PLC0415  only where there is a device

    arrays = {}
    for name in FROZEN:
        drawn = draw_with_gradients(cuda.draw, settings()[name], torch.float32, "cuda")
        for kind, parts in drawn._asdict().items():
            arrays |= {f"{name}/{kind}/{key}": p.float().numpy() for key, p in parts.items()}
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    freeze(Path(__file__).parent / "data" / "gsplat.npz")
