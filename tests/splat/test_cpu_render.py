"""The CPU backend against the oracle, and laws that need none."""

from dataclasses import replace

import numpy as np
import pytest
import reference_raster as reference
import torch
from splat_scenes import (
    FROZEN,
    Setting,
    assert_same,
    draw_with_gradients,
    frozen,
    make_camera,
    make_gaussians,
    settings,
)
from support import ROOT
from torch import Tensor

from common.pixels import as_bytes
from splat import Camera, Gaussians, Rendering, render, render_bytes
from splat.cpu import render as cpu
from splat.cpu.tile import scattered

NAMES = ("means", "quats", "scales", "opacities", "sh")


@pytest.mark.parametrize("name", settings())
def test_cpu_matches_the_oracle(name: str) -> None:
    setting = settings()[name]
    result = draw_with_gradients(cpu.draw, setting, torch.float32)
    assert_same(result, draw_with_gradients(reference.reference_draw, setting, torch.float64))


@pytest.mark.parametrize("name", FROZEN)
def test_cpu_draws_what_gsplat_drew(name: str) -> None:
    """Frozen on a device by `PYTHONPATH=. python tests/splat_scenes.py`."""
    with np.load(ROOT / "tests" / "data" / "gsplat.npz") as file:
        expected = frozen(dict(file), name)
    assert_same(draw_with_gradients(cpu.draw, settings()[name], torch.float32), expected)


@pytest.mark.parametrize("name", settings())
def test_colours_alone_get_the_gradients_that_they_get_with_all_else(name: str) -> None:
    setting = settings()[name]
    sh = setting.gaussians.sh.float().requires_grad_()
    found = []
    for also in (True, False):
        others = {name: getattr(setting.gaussians, name).float() for name in NAMES[:-1]}
        leaves = Gaussians(**{k: v.requires_grad_(also) for k, v in others.items()}, sh=sh)
        image = render(leaves, setting.camera, mode=setting.mode, backend="cpu")
        weights = torch.rand(image.color.shape, generator=torch.Generator().manual_seed(1))
        found += torch.autograd.grad((image.color * weights).sum() + image.alpha.sum(), sh)
    assert found[0].any()
    torch.testing.assert_close(found[1], found[0], rtol=1e-5, atol=1e-6)


@pytest.mark.gpu
@pytest.mark.parametrize("name", settings())
def test_gsplat_matches_the_cpu(name: str, cuda: torch.device) -> None:
    from splat import cuda as gsplat_backend  # noqa: PLC0415  only where there is a device

    setting = settings()[name]
    result = draw_with_gradients(gsplat_backend.draw, setting, torch.float32, cuda.type)
    assert_same(result, draw_with_gradients(cpu.draw, setting, torch.float32))


def test_the_made_up_scenes_cover_what_they_are_meant_to() -> None:
    """Gaussians behind, beside and very near the camera; pixels that stop early and that do not."""
    inside = settings()["camera inside the cloud"]
    viewmat = inside.camera.viewmat
    points = inside.gaussians.means @ viewmat[:3, :3].T + viewmat[:3, 3]
    slopes = points[:, :2].abs() / points[:, 2:]
    in_front = points[:, 2] > 0.01
    assert (~in_front).sum() > 100
    assert (in_front & (points[:, 2] < 0.15)).sum() > 20
    assert (in_front & (slopes.amax(1) > 2)).sum() > 50
    stopped = render(inside.gaussians, inside.camera).alpha > 0.99
    assert 0.05 < stopped.double().mean() < 0.95


def test_nothing_in_view_shows_the_background() -> None:
    behind = make_gaussians(50, 1, 0, spread=0.01)
    away = make_camera((0.0, 0.0, 1.5))
    flip = torch.diag(torch.tensor([-1.0, 1.0, -1.0, 1.0]))
    camera = Camera(flip @ away.viewmat, away.K, away.width, away.height)
    background = torch.tensor([0.1, 0.2, 0.3])
    empty = Gaussians(*(getattr(behind, name)[:0] for name in NAMES))
    for gaussians in (behind, empty):
        leaves = [getattr(gaussians, name).clone().requires_grad_() for name in NAMES]
        for image in (
            render(gaussians, camera, background=background),
            render(Gaussians(*leaves), camera, background=background),
        ):
            assert torch.equal(image.color, background.expand(61, 75, 3))
            assert image.depth is not None and not image.depth.any() and not image.alpha.any()
        gradients = torch.autograd.grad(image.color.sum(), leaves)
        assert not any(gradient.any() for gradient in gradients)


def test_repeats_are_bit_identical() -> None:
    setting = settings()["degree 3"]
    first = draw_with_gradients(cpu.draw, setting, torch.float32)
    for _ in range(3):
        again = draw_with_gradients(cpu.draw, setting, torch.float32)
        for name, image in first.images.items():
            assert torch.equal(image, again.images[name])
        for name, gradient in first.gradients.items():
            assert torch.equal(gradient, again.gradients[name])


def test_inference_path_draws_the_same() -> None:
    setting = settings()["degree 2"]
    background = torch.tensor([0.9, 0.1, 0.4])
    leaf = setting.gaussians.means.clone().requires_grad_()
    trained = Gaussians(leaf, *(getattr(setting.gaussians, name) for name in NAMES[1:]))
    slow = render(trained, setting.camera, background=background)
    assert slow.color.requires_grad
    with torch.no_grad():
        fast = render(trained, setting.camera, background=background, with_depth=False)
    assert fast.depth is None and not fast.color.requires_grad
    torch.testing.assert_close(fast.color, slow.color.detach(), atol=1e-6, rtol=0)
    torch.testing.assert_close(fast.alpha, slow.alpha.detach(), atol=0, rtol=0)


def test_gradient_reaches_the_background() -> None:
    setting = settings()["degree 0"]
    background = torch.tensor([0.9, 0.1, 0.4], requires_grad=True)
    image = render(setting.gaussians, setting.camera, background=background)
    (gradient,) = torch.autograd.grad(image.color[..., 1].sum(), background)
    expected = (1 - image.alpha).sum().detach()
    torch.testing.assert_close(gradient, torch.stack([0 * expected, expected, 0 * expected]))


def test_second_derivatives_are_refused_and_not_silently_wrong() -> None:
    setting = settings()["degree 0"]
    means = setting.gaussians.means.float().requires_grad_()
    moved = replace(setting.gaussians, means=means)
    color, *_ = cpu.draw(moved, setting.camera, torch.zeros(3), "classic", False)
    (first,) = torch.autograd.grad(color.square().sum(), means, create_graph=True)
    penalty = first.square().sum() + means.square().sum()
    with pytest.raises(RuntimeError, match="once_differentiable"):
        penalty.backward()


def _turned(setting: Setting, rotation: Tensor, quat: Tensor, shift: Tensor) -> Rendering:
    """Render with scene and camera moved together, seen the same way."""
    g, camera = setting.gaussians, setting.camera
    w, v = quat[0], quat[1:]
    scalar = w * g.quats[:, 0] - g.quats[:, 1:] @ v
    cross = torch.linalg.cross(v.expand(len(g.quats), 3), g.quats[:, 1:])
    vector = w * g.quats[:, 1:] + g.quats[:, :1] * v + cross
    moved = Gaussians(
        g.means @ rotation.T + shift,
        torch.cat([scalar[:, None], vector], dim=1),
        g.scales,
        g.opacities,
        g.sh,
    )
    viewmat = camera.viewmat.clone()
    viewmat[:3, :3] = camera.viewmat[:3, :3] @ rotation.T
    viewmat[:3, 3] = camera.viewmat[:3, 3] - viewmat[:3, :3] @ shift
    return render(moved, Camera(viewmat, camera.K, camera.width, camera.height), mode=setting.mode)


@pytest.mark.parametrize("name", ["degree 0", "camera inside the cloud", "antialiased"])
def test_moving_scene_and_camera_together_changes_nothing(name: str) -> None:
    setting = settings()[name]
    g = setting.gaussians
    matte = Setting(
        Gaussians(g.means, g.quats, g.scales, g.opacities, g.sh[:, :1]),
        setting.camera,
        setting.mode,
    )
    half = torch.tensor(0.6)
    axis = torch.nn.functional.normalize(torch.tensor([1.0, 2.0, -1.0]), dim=0)
    quat = torch.cat([torch.cos(half)[None], torch.sin(half) * axis])
    skew = torch.linalg.cross(axis.expand(3, 3), torch.eye(3)).T  # v -> axis × v
    rotation = torch.matrix_exp(2 * half * skew)
    plain = render(matte.gaussians, matte.camera, mode=matte.mode)
    moved = _turned(matte, rotation, quat, torch.tensor([0.3, -0.2, 0.5]))
    for before, after in ((plain.color, moved.color), (plain.alpha, moved.alpha)):
        difference = (before - after).abs()
        assert difference.mean() < 1e-5
        assert (difference < 1e-3).double().mean() > 0.999


def test_nearer_gaussian_hides_the_other_whatever_their_order() -> None:
    camera = make_camera((0.0, 0.0, 1.0), 21, 21)
    means = torch.tensor([[0.02, 0.0, 0.05], [0.02, 0.0, -0.15]])
    red, blue = torch.tensor([1.7, -1.7, -1.7]), torch.tensor([-1.7, -1.7, 1.7])
    g = Gaussians(
        means,
        torch.tensor([[1.0, 0, 0, 0]]).expand(2, 4),
        torch.full((2, 3), 0.1),
        torch.full((2,), 0.99),
        torch.stack([red, blue])[:, None],
    )
    swapped = Gaussians(*(getattr(g, name).flip(0) for name in NAMES))
    first, second = render(g, camera), render(swapped, camera)
    assert torch.equal(first.color, second.color)
    assert first.color[10, 10, 0] > 0.9 > 0.1 > first.color[10, 10, 2]
    assert first.depth is not None
    assert first.depth[10, 10].item() == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("count", "scale", "share"), [(60, 1.0, 1e-3), (3000, 3.0, 0.05)])
def test_bytes_are_the_rounded_picture(count: int, scale: float, share: float) -> None:
    """Also where tiles are empty or hang over the border; where layers are many, a share of the
    bytes is one more or less."""
    g, camera = make_gaussians(count, 1, 3), make_camera((0.0, 0.0, 1.5))
    g = replace(g, scales=scale * g.scales)
    background = torch.tensor([0.2, 0.5, 0.9])
    drawn = render(g, camera, background=background).color
    found = render_bytes(g, camera, background)
    assert found.dtype == torch.uint8 and drawn.std() > 0.02
    apart = np.abs(found.numpy().astype(int) - as_bytes(drawn.numpy()))
    assert apart.max() <= 1 and apart.mean() < share  # two kernels round in their own ways


@pytest.mark.parametrize(("tiles_x", "tiles_y"), [(1, 1), (2, 1), (5, 7), (32, 32), (3, 7918)])
def test_every_tile_has_one_task(tiles_x: int, tiles_y: int) -> None:
    tiles = tiles_x * tiles_y
    assert len({scattered(task, tiles_x, tiles_y) for task in range(tiles)}) == tiles


def test_unusable_numbers_do_not_reach_the_image() -> None:
    """NaN and infinite Gaussians are culled, like Gaussians that overflow an integer on screen."""
    g, camera = make_gaussians(60, 1, 3), make_camera((0.0, 0.0, 1.5))
    clean = render(Gaussians(*(getattr(g, name)[10:] for name in NAMES)), camera)
    broken = {name: getattr(g, name).clone() for name in NAMES}
    broken["means"][0, 0] = torch.nan
    broken["means"][1, 2] = torch.inf
    broken["quats"][2] = 0
    broken["scales"][3, 1] = torch.nan
    broken["scales"][4, 1] = 1e30
    broken["opacities"][5] = torch.nan
    broken["opacities"][6] = 0
    broken["means"][7] = 1e25
    broken["scales"][8] = torch.inf
    broken["opacities"][9] = -1
    image = render(Gaussians(**broken), camera)
    torch.testing.assert_close(image.color, clean.color)
