"""Vertices have the colours of the Gaussians that cover them."""

import numpy as np
import pytest
import torch

from avatar.avatar_io.animated_glb import gaussian_paint, vertex_colours
from splat import Gaussians, rgb_to_sh

RED, BLUE = torch.tensor([0.9, 0.1, 0.1]), torch.tensor([0.1, 0.2, 0.8])


def cloud(means: torch.Tensor, scales: torch.Tensor, colours: torch.Tensor) -> Gaussians:
    count = len(means)
    turns = torch.tensor([1.0, 0, 0, 0]).expand(count, 4)
    return Gaussians(means, turns, scales, torch.full((count,), 0.9), rgb_to_sh(colours)[:, None])


@pytest.fixture
def halves() -> Gaussians:
    """A red left half and a blue right half of a square of a decimetre."""
    steps = torch.linspace(-0.05, 0.05, 40)
    means = torch.stack([*torch.meshgrid(steps, steps, indexing="ij"), torch.zeros(40, 40)], -1)
    means = means.reshape(-1, 3)
    colours = torch.where(means[:, :1] < 0, RED, BLUE)
    return cloud(means, torch.full_like(means, 0.002), colours)


def test_each_half_has_its_colour_and_the_border_is_between(halves: Gaussians):
    places = torch.tensor([[-0.03, 0.01, 0.0], [0.03, 0.01, 0.0], [0.0, 0.0, 0.0]])
    left, right, middle = vertex_colours(halves, places)
    assert np.allclose(left, RED, atol=1e-3) and np.allclose(right, BLUE, atol=1e-3)
    assert np.allclose(middle, (RED + BLUE) / 2, atol=0.02)


def test_a_thin_gaussian_in_front_colours_only_what_it_covers():
    """The nearer centre loses where its Gaussian is flat and does not reach the vertex."""
    means = torch.tensor([[0.0, 0.0, 0.004], [0.006, 0.0, 0.0]])
    scales = torch.tensor([[0.01, 0.01, 0.0005], [0.01, 0.01, 0.0005]])
    found = vertex_colours(cloud(means, scales, torch.stack([RED, BLUE])), torch.zeros(1, 3))
    assert np.allclose(found, BLUE, atol=1e-3)


def test_a_vertex_far_from_all_has_the_nearest_colour(halves: Gaussians):
    assert np.allclose(vertex_colours(halves, torch.tensor([[-1.0, 0, 0]])), RED, atol=1e-6)


def test_paint_has_a_colour_for_every_corner(halves: Gaussians):
    vertices = torch.tensor([[-0.03, 0.0, 0.0], [0.03, 0.0, 0.0], [0.03, 0.02, 0.0]])
    paint = gaussian_paint(halves, vertices, torch.tensor([[0, 1, 2]]))
    assert np.allclose(paint.rgb[0], np.stack([RED, BLUE, BLUE]), atol=1e-3)
    assert paint.textures == () and paint.texture.tolist() == [-1]
