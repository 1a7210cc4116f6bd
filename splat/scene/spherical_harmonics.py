"""Real spherical harmonics of degree 0 to 3, as in 3D Gaussian Splatting."""

import torch
from torch import Tensor

from splat.scene.conventions import SH_C0, SH_C1, SH_C2, SH_C3


def rgb_to_sh(rgb: Tensor) -> Tensor:
    """Coefficients of degree 0 whose colour is `rgb` from everywhere: [..., 3] -> [..., 3]."""
    return (rgb - 0.5) / SH_C0


def sh_to_rgb(sh: Tensor) -> Tensor:
    """The colour that coefficients of degree 0 have from everywhere: [..., 3] -> [..., 3]."""
    return sh * SH_C0 + 0.5


def sh_bases(directions: Tensor, count: int) -> Tensor:
    """First `count` (1, 4, 9 or 16) bases at unit directions: [..., 3] -> [..., count]."""
    x, y, z = directions.unbind(-1)
    xx, yy, zz = x * x, y * y, z * z
    bases = [
        torch.full_like(x, SH_C0),
        -SH_C1 * y,
        SH_C1 * z,
        -SH_C1 * x,
        SH_C2[0] * x * y,
        -SH_C2[0] * y * z,
        SH_C2[1] * (2 * zz - xx - yy),
        -SH_C2[0] * x * z,
        SH_C2[2] * (xx - yy),
        -SH_C3[0] * y * (3 * xx - yy),
        SH_C3[1] * x * y * z,
        -SH_C3[2] * y * (4 * zz - xx - yy),
        SH_C3[3] * z * (2 * zz - 3 * xx - 3 * yy),
        -SH_C3[2] * x * (4 * zz - xx - yy),
        SH_C3[4] * z * (xx - yy),
        -SH_C3[0] * x * (xx - 3 * yy),
    ]
    return torch.stack(bases[:count], dim=-1)


def sh_to_color(sh: Tensor, directions: Tensor) -> Tensor:
    """Colour seen along `directions` (camera to Gaussian): sh [N, K, 3], [N, 3] -> [N, 3], >= 0."""
    bases = sh_bases(torch.nn.functional.normalize(directions, dim=-1), sh.shape[1])  # [N, K]
    return (torch.einsum("nk,nkc->nc", bases, sh) + 0.5).clamp(min=0)
