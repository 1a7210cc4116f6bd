"""The options of reading an avatar, and of its conversion."""

from dataclasses import dataclass
from pathlib import Path


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
class ConvertOptions(SubjectOptions):
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
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
