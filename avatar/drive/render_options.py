"""The options of a film of an avatar that is moved by recorded meshes, and their limits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avatar.drive.options import check_filming, check_no_angles
from common.device import Device
from common.errors import InputError


@dataclass(frozen=True)
class ReplayOptions:
    """Make a video of an avatar that is moved by a capture's tracked meshes or by saved motion."""

    avatar: Path
    """The avatar: a .ply of ours, GaussianAvatars' point_cloud.ply with its flame_param.npz beside
    it, or a coloured mesh of a head (.glb, .obj, .ply)."""
    output: Path
    """The video: .mp4, .webm, .gif, or a new folder for PNG frames."""
    capture: Path | None = None
    """Move the avatar with the tracked meshes of this capture's folder."""
    split: Literal["train", "val", "test"] = "test"
    """Which moments of the capture: test are its held-out sequences."""
    sequence: str | None = None
    """Of these moments, only those of one sequence; by default all."""
    camera_id: str | None = None
    """Film with this camera of the capture, at its own size, instead of --camera."""
    motion: Path | None = None
    """Move the avatar with this .npz, as --save-motion of driving writes it, instead."""
    audio: Path | None = None
    """Sound to add to the video."""
    width: int = 512
    """Width of the picture in pixels, even."""
    height: int = 512
    """Height of the picture in pixels, even."""
    fps: float | None = None
    """Frames a second of a capture, by default 25; saved motion has its own."""
    camera: str = "front"
    """front, orbit (swings around the head), or a JSON file of keyframes (see README)."""
    azimuth: float = 0.0
    """Degrees around the head; positive turns to the subject's left (not with a file or
    --camera-id)."""
    elevation: float = 0.0
    """Degrees above the height of the face (not with a file or --camera-id)."""
    background: str = "#cccccf"
    """Colour behind the head: #rrggbb or white, black, grey, green."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it works."""
    flame: Path | None = None
    """FLAME's own file (.pkl or .npz): for captures and avatars of FLAME."""
    landmarks: Path | None = None
    """Landmarks of a mesh whose face is not found by itself (.json)."""
    texture: Path | None = None
    """A picture (.jpg, .png) to paint a mesh with that has texture coordinates."""


def check_replay(options: ReplayOptions) -> None:
    """Refuse, in one sentence, what cannot work, before anything is loaded.

    Raises InputError, FileNotFoundError or OSError.
    """
    if (options.capture is None) == (options.motion is None):
        raise InputError("give what moves the avatar: either --capture or --motion")
    if options.motion is not None:
        for name in ("sequence", "camera_id", "fps"):
            if getattr(options, name) is not None:
                flag = name.replace("_", "-")
                raise InputError(f"--{flag}: belongs to --capture; leave it out with --motion")
    read = (options.avatar, options.capture, options.motion, options.audio)
    for path in (*read, options.flame, options.landmarks, options.texture):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"{path}: no such file; check the path")
        if path is not None and path.resolve() == options.output.resolve():
            raise InputError(f"{path}: is an input; give the output another name")
    if options.camera_id is not None:
        check_no_angles(options, "--camera-id")
    check_filming(options, options.output)
