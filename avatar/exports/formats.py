"""Which file formats hold Gaussians, and which way is up in them."""

import re
from pathlib import Path
from typing import Literal

Up = Literal["y", "-y"]

UPWARD: dict[str, Up] = {".ply": "-y"}
"""Suffix: the axis that points up where other programs read such a file. Those that look like the
.ply of 3D Gaussian Splatting share its habit, since viewers turn them all by 180° about z."""

NUMBER = re.compile(r"%0?\d*d")


def is_numbered(path: Path) -> bool:
    """Whether a name has a place for the number of a frame: frame_%05d.ply."""
    return NUMBER.search(path.name) is not None


def numbered(path: Path, number: int) -> str:
    """The name of one frame's file."""
    return NUMBER.sub(lambda place: place[0] % number, path.name)
