"""What a capture is, once its files are read and checked; pictures stay on disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from splat import Camera

SPLITS = ("train", "val", "test")
"""Views to learn from; held-out cameras; held-out sequences."""
RELIGHT = "relight"
"""A split that few captures have: held-out cameras under held-out lights."""


@dataclass(frozen=True, slots=True)
class View:
    """One picture: what was seen, by which camera, of which timestep."""

    camera: Camera  # world to camera, OpenCV axes, pixels
    image: Path
    mask: Path | None  # white where the subject is
    timestep: int  # row of `Capture.vertices`
    camera_id: str
    labels: Path | None = None  # per pixel 0 none, 1 skin, 2 hair, 3 eyes, 4 mouth
    sequence: str | None = None  # what the subject does, where the capture says so
    light: str | None = None  # as --light takes it, in the world of the capture, where it says so


@dataclass(frozen=True)
class Capture:
    """A tracked capture of one head."""

    topology: str  # one of avatar.files.avatar_file.TOPOLOGIES
    rest: Tensor  # [V, 3] the subject's rest mesh, metres, head space
    faces: Tensor  # [M, 3] int64
    vertices: Tensor  # [T, V, 3] the tracked mesh of every timestep, world space, metres
    splits: Mapping[str, tuple[View, ...]]  # by the names of SPLITS, and RELIGHT where it is
