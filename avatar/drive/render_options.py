"""The options of a film of an avatar that is moved by recorded meshes, and their limits."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from avatar.drive.film_options import FilmOptions, check_filming, check_flame, check_no_angles
from common.errors import InputError


@dataclass(frozen=True)
class ReplayOptions(FilmOptions):
    """Make a video of an avatar that is moved by a capture's tracked meshes or by saved motion."""

    out: Path = field(kw_only=True)
    """The video: .mp4, .webm, .gif, or a new folder for PNG frames."""
    capture: Path | None = None
    """Move the avatar with the tracked meshes of this capture's folder."""
    split: Literal["train", "val", "test"] | None = None
    """Which moments of the capture; by default test, its held-out sequences."""
    sequence: str | None = None
    """Of these moments, only those of one sequence; by default all."""
    camera_id: str | None = None
    """Film with this camera of the capture, at its own size, instead of --camera."""
    motion: Path | None = None
    """Move the avatar with this .npz, as --save-motion of driving writes it, instead."""
    fps: float | None = None
    """Frames a second of a capture, by default 25; saved motion has its own."""


def check_replay(options: ReplayOptions) -> None:
    """Refuse, in one sentence, what cannot work, before anything is loaded.

    Raises InputError, FileNotFoundError or OSError.
    """
    if (options.capture is None) == (options.motion is None):
        raise InputError("give what moves the avatar: either --capture or --motion")
    if options.motion is not None:
        for name in ("split", "sequence", "camera_id", "fps"):
            if getattr(options, name) is not None:
                flag = name.replace("_", "-")
                raise InputError(f"--{flag}: belongs to --capture; leave it out with --motion")
    read = (options.avatar, options.capture, options.motion, options.audio)
    for path in (*read, options.flame, options.landmarks, options.texture):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"{path}: no such file; check the path")
        if path is not None and path.resolve() == options.out.resolve():
            raise InputError(f"{path}: is an input; give --out another name")
    check_flame(options.flame, options.avatar, options.capture)
    if options.camera_id is not None:
        check_no_angles(options, "--camera-id")
    check_filming(options, options.out)
