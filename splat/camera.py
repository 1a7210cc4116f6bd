"""Pinhole cameras with OpenCV axes: x right, y down, z forward."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Camera:
    """One view. Pixel centres lie at +0.5."""

    viewmat: Tensor  # [4, 4] world to camera
    K: Tensor  # [3, 3] intrinsics in pixels
    width: int
    height: int
