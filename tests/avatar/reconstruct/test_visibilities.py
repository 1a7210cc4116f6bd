"""How far views show each Gaussian."""

from pathlib import Path

import pytest
import torch
from captures import ring, tetrahedron

from avatar.geometry.records import mapped
from avatar.geometry.triangle_mesh import Mesh
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.head_seeds import blending_weights, first_gaussians, visibilities
from splat import Camera, Gaussians, RawGaussians, look_at, render

SIZE = 0.1  # metres between the corners of a square


def squares(*depths: float, turn: float = 0.0) -> Mesh:
    """Pairs of triangles one behind the other, along z, turned about the y axis."""
    corner = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * SIZE / 2
    c, s = torch.tensor(turn).cos(), torch.tensor(turn).sin()
    spun = corner @ torch.tensor([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
    vertices = torch.cat([spun + torch.tensor([0.0, 0.0, -depth]) for depth in depths])
    pair = torch.tensor([[0, 1, 2], [0, 2, 3]])
    return Mesh(vertices, torch.cat([pair + 4 * n for n in range(len(depths))]))


def front() -> Camera:
    there = (torch.tensor(each) for each in ([0.0, 0.0, 0.6], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
    return look_at(*there, focal=200.0, width=96, height=96)


def shares(
    mesh: Mesh, cameras: tuple[Camera, ...], device: torch.device | None = None
) -> torch.Tensor:
    views = tuple(View(c, Path("none.png"), None, 0, str(n)) for n, c in enumerate(cameras))
    capture = Capture("mesh", mesh.vertices, mesh.faces, mesh.vertices[None], {"train": views})
    bound = first_gaussians(capture, torch.full((len(mesh.faces), 3), 0.5), 0)
    p = dict(bound.parts)
    full = torch.full_like(p["opacity_logits"], 5.0)
    raw = RawGaussians(p["means"], p["quats"], p["log_scales"], full, p["sh_dc"])
    placed = mapped(raw, lambda part: part.to(device))
    return visibilities(placed, bound.binding.to(device), capture, views).cpu()


def test_what_lies_before_others_is_shown_and_what_lies_behind_is_not():
    shown = shares(squares(0.0, 0.01, 0.02, 0.03, 0.04), (front(),))
    assert (shown[:2] == 1).all() and (shown[-2:] < 0.3).all()  # the corners of a triangle are bare


def test_what_is_seen_at_a_grazing_angle_is_shown_less():
    layers = (0.0, 0.01, 0.02)
    shown = [float(shares(squares(*layers, turn=t), (front(),))[:2].mean()) for t in (0.8, 1.5)]
    assert shown[0] == 1 and shown[1] < 0.7


def test_the_best_of_the_views_counts():
    mesh, cameras = tetrahedron(), ring(3, (64, 64))
    alone = torch.stack([shares(mesh, (camera,)) for camera in cameras])
    assert torch.equal(shares(mesh, cameras), alone.amax(0))


def test_the_light_of_all_gaussians_is_the_opacity_of_the_picture():
    generator = torch.Generator().manual_seed(0)
    world = Gaussians(
        means=0.03 * torch.randn(50, 3, generator=generator),
        quats=torch.nn.functional.normalize(torch.randn(50, 4, generator=generator), dim=1),
        scales=0.001 + 0.02 * torch.rand(50, 3, generator=generator),
        opacities=torch.rand(50, generator=generator),
        sh=torch.randn(50, 1, 3, generator=generator),
    )
    light = blending_weights(world, front())
    assert torch.isclose(light.sum(), render(world, front()).alpha.sum(), rtol=1e-4)
    assert (light >= 0).all()


@pytest.mark.gpu
def test_cuda_shows_what_the_cpu_shows(cuda: torch.device):
    mesh, cameras = squares(0.0, 0.01, 0.02), ring(2, (64, 64))
    on_cpu, on_cuda = (shares(mesh, cameras, device) for device in (torch.device("cpu"), cuda))
    torch.testing.assert_close(on_cuda, on_cpu, rtol=1e-3, atol=1e-4)
