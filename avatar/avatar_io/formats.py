"""Which file formats hold Gaussians, and which way is up in them."""

import re
from pathlib import Path
from typing import Literal

Up = Literal["y", "-y"]

UPWARD: dict[str, Up] = {
    ".ply": "-y",
    ".spz": "y",
    ".glb": "y",
    ".usdc": "y",
    ".usda": "y",
}
"""Suffix: the axis that points up where other programs read such a file. What has no rule of its
own follows the .ply of 3D Gaussian Splatting, which viewers turn by 180° about z."""

EXTRA = {".usdc": "pxr", ".usda": "pxr"}
"""The module that writes a format where it is none of those that are always there."""

FOLLOWS = ".zip"
"""The suffix of an avatar that other programs move by its ARKit weights."""

NUMBER = re.compile(r"%0?\d*d")


def is_numbered(path: Path) -> bool:
    """Whether a name has a field for the number of a frame: frame_%05d.ply."""
    return NUMBER.search(path.name) is not None


def numbered(path: Path, number: int) -> str:
    """The name of one frame's file."""
    return NUMBER.sub(lambda field: field[0] % number, path.name)
