"""Spherical harmonics by what defines them."""

import math

import pytest
import torch
from reference_raster import sh_bases, sh_to_color

from splat import rgb_to_sh


def sphere(n: int) -> torch.Tensor:  # [n, 3] evenly spread unit vectors (Fibonacci)
    i = torch.arange(n, dtype=torch.float64) + 0.5
    z, angle = 1 - 2 * i / n, math.pi * (1 + 5**0.5) * i
    radius = (1 - z * z).sqrt()
    return torch.stack([radius * angle.cos(), radius * angle.sin(), z], dim=1)


def test_bases_are_orthonormal() -> None:
    bases = sh_bases(sphere(200_000), 16)
    products = 4 * math.pi * bases.T @ bases / len(bases)
    torch.testing.assert_close(products, torch.eye(16, dtype=torch.float64), atol=1e-4, rtol=0)


def test_bases_match_the_signs_of_3dgs() -> None:
    """The published constants at one direction (Inria's utils/sh_utils.py, eval_sh)."""
    x, y, z = 0.48, -0.6, 0.64
    expected = torch.tensor(
        [
            0.28209479177387814,
            -0.4886025119029199 * y,
            0.4886025119029199 * z,
            -0.4886025119029199 * x,
            1.0925484305920792 * x * y,
            -1.0925484305920792 * y * z,
            0.31539156525252005 * (2 * z * z - x * x - y * y),
            -1.0925484305920792 * x * z,
            0.5462742152960396 * (x * x - y * y),
        ]
    )
    torch.testing.assert_close(sh_bases(torch.tensor([x, y, z]), 9), expected)


def test_degree_zero_is_the_colour_from_everywhere() -> None:
    rgb = torch.rand(10, 3, dtype=torch.float64)
    torch.testing.assert_close(sh_to_color(rgb_to_sh(rgb)[:, None], sphere(10)), rgb)


@pytest.mark.parametrize("length", [0.01, 1.0, 30.0])
def test_colour_depends_on_the_direction_alone_and_is_not_negative(length: float) -> None:
    sh, directions = torch.randn(500, 16, 3, dtype=torch.float64), sphere(500)
    color = sh_to_color(sh, length * directions)
    torch.testing.assert_close(color, sh_to_color(sh, directions))
    assert color.min() == 0
