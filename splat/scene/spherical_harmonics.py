"""Spherical harmonics of degree 0, as in 3D Gaussian Splatting."""

from torch import Tensor

from splat.scene.conventions import SH_C0


def rgb_to_sh(rgb: Tensor) -> Tensor:
    """Coefficients of degree 0 whose colour is `rgb` from everywhere: [..., 3] -> [..., 3]."""
    return (rgb - 0.5) / SH_C0


def sh_to_rgb(sh: Tensor) -> Tensor:
    """The colour that coefficients of degree 0 have from everywhere: [..., 3] -> [..., 3]."""
    return sh * SH_C0 + 0.5
