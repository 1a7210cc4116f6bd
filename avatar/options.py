"""The options of a drive, and their limits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avatar.colours import parse_colour
from avatar.output import check_output, check_picture

Device = Literal["auto", "cpu", "cuda"]
LARGEST = 8192  # pixels
FASTEST = 240.0  # frames a second


@dataclass(frozen=True)
class DriveOptions:
    """Make a talking-head video of an avatar from a voice recording."""

    avatar: Path
    """The avatar: a .ply of Gaussians bound to a rest mesh."""
    audio: Path
    """The voice: any audio or video file with sound."""
    output: Path | None = None
    """The video: .mp4, .webm, .gif, or a new folder for PNG frames; default: beside the audio."""
    width: int = 512
    """Width of the picture in pixels, even."""
    height: int = 512
    """Height of the picture in pixels, even."""
    fps: float | None = None
    """Frames a second; by default what the weights were trained at (25)."""
    camera: str = "front"
    """front, orbit (swings around the head), or a JSON file of keyframes."""
    azimuth: float = 0.0
    """Degrees around the head; positive turns to the subject's left."""
    elevation: float = 0.0
    """Degrees above the eyes' height."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it works."""
    still: bool = False
    """No blinks and no head motion: only speech moves the face."""
    background: str = "#cccccf"
    """Colour behind the head: #rrggbb or white, black, grey, green."""
    weights: Path | None = None
    """Speech-to-motion weights (.safetensors); by default those that ship."""
    save_motion: Path | None = None
    """Also save the vertex motion to this .npz."""
    report: Path | None = None
    """Also save timings and memory to this .json."""
    seed: int = 0
    """Seed of blinks and head motion."""


def default_output(options: DriveOptions) -> Path:
    """The video's name where the user gives none: beside the audio, after it and the avatar."""
    return options.audio.with_name(f"{options.audio.stem}_{options.avatar.stem}.mp4")


def check_options(options: DriveOptions, output: Path) -> None:
    """Refuse, in one sentence, what cannot work, before anything is loaded.

    Raises ValueError or FileNotFoundError.
    """
    for path in (options.avatar, options.audio, options.weights):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"{path}: no such file; check the path")
    fps = 25.0 if options.fps is None else options.fps
    check_picture(options.width, options.height, fps)
    if max(options.width, options.height) > LARGEST:
        size = f"{options.width}x{options.height}"
        raise ValueError(f"width and height {size}: must not exceed {LARGEST} pixels")
    if fps > FASTEST:
        raise ValueError(f"fps {fps:g}: must not exceed {FASTEST:g} frames a second")
    if not -90 <= options.elevation <= 90:
        raise ValueError(f"--elevation {options.elevation:g}: must be from -90 to 90 degrees")
    parse_colour(options.background)
    check_output(output, options.audio)
    for path in (options.save_motion, options.report):
        if path is not None and not path.absolute().parent.is_dir():
            raise FileNotFoundError(f"{path}: its folder does not exist; create it first")
