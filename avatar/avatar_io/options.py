"""The options of reading an avatar, and of its conversion; which formats hold Gaussians, and which
way is up in them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common.device import ThreadOptions

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

NUMBER = re.compile(r"%0?\d*d")


def is_numbered(path: Path) -> bool:
    """Whether a name has a field for the number of a frame: frame_%05d.ply."""
    return NUMBER.search(path.name) is not None


def numbered(path: Path, number: int) -> str:
    """The name of one frame's file."""
    return NUMBER.sub(lambda field: field[0] % number, path.name)


@dataclass(frozen=True, kw_only=True)
class SubjectOptions:
    """What an avatar's file may need beside it."""

    flame: Path | None = None
    """FLAME's own file (.pkl or .npz), for whatever is of FLAME: avatars, captures, weights."""
    landmarks: Path | None = None
    """Landmarks of a mesh whose face is not found by itself (.json)."""
    texture: Path | None = None
    """A picture (.jpg, .png) to paint a mesh with that has texture coordinates."""


@dataclass(frozen=True)
class ConvertOptions(ThreadOptions, SubjectOptions):
    """Convert an avatar from one file format to another."""

    avatar: Path
    """The avatar: a .ply of ours, GaussianAvatars' point_cloud.ply or its folder, or a coloured
    mesh (.glb, .obj, .ply)."""
    out: Path
    """What to write: a name that ends in .ply becomes our one-file avatar, any other a folder in
    GaussianAvatars' layout (point_cloud.ply, for FLAME flame_param.npz, and canonical_mesh.npz)."""
    flame_param: Path | None = None
    """A flame_param.npz, or a folder of one file a frame, whose motion goes into the folder
    written; without it the head holds still."""
    consent: str | None = None
    """Who agreed, to what, until when, in place of what the avatar says: a text, or a file."""
