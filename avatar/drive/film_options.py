"""What the options of every film have in common, and their limits."""

import math
from dataclasses import dataclass
from pathlib import Path

from avatar.drive.light_options import LightOptions, check_light
from avatar.film.output import GIF_FASTEST, check_output, check_picture
from common.colours import parse_colour
from common.device import Device
from common.errors import InputError

LARGEST = 8192  # pixels
SLOWEST, FASTEST = 1.0, 240.0  # frames a second
NAMED_CAMERAS = ("front", "orbit")


@dataclass(frozen=True)
class LookOptions(LightOptions):
    """How an avatar is filmed."""

    width: int = 512
    """Width of the picture in pixels, even."""
    height: int = 512
    """Height of the picture in pixels, even."""
    fps: float | None = None
    """Frames a second; by default 25, or what the weights were trained at."""
    camera: str = "front"
    """front, orbit (swings around the head), or a JSON file of keyframes (docs/verbs/drive.md)."""
    azimuth: float = 0.0
    """Degrees around the head for front and orbit; positive turns to the subject's left."""
    elevation: float = 0.0
    """Degrees above the height of the face for front and orbit."""
    background: str = "#cccccf"
    """Colour behind the head: #rrggbb or white, black, grey, green."""
    light_background: bool = False
    """Whether the picture of --light, blurred, stands behind the head instead of --background."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it works."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
    flame: Path | None = None
    """FLAME's own file (.pkl or .npz), for whatever is of FLAME: avatars, captures, weights."""
    landmarks: Path | None = None
    """Landmarks of a mesh whose face is not found by itself (.json)."""
    texture: Path | None = None
    """A picture (.jpg, .png) to paint a mesh with that has texture coordinates."""


@dataclass(frozen=True)
class _Filmed:
    """What is filmed."""

    avatar: Path
    """The avatar: a .ply of ours, GaussianAvatars' point_cloud.ply with its flame_param.npz beside
    it, or a coloured mesh of a head (.glb, .obj, .ply)."""
    audio: Path | None = None
    """The sound of the film: any audio or video file with sound."""
    out: Path | None = None
    """The video: .mp4, .webm, .gif, or a new folder for PNG frames; by default an .mp4 beside the
    audio."""


@dataclass(frozen=True)
class FilmOptions(LookOptions, _Filmed):
    """A film of an avatar."""


def check_filming(options: FilmOptions, out: Path) -> None:
    """Refuse, in one sentence, a film that cannot be shot or written.

    Raises InputError, FileNotFoundError or OSError.
    """
    if options.camera not in NAMED_CAMERAS and not Path(options.camera).is_file():
        raise InputError(
            f"--camera {options.camera}: must be front, orbit or an existing JSON file of keyframes"
        )
    if options.camera not in NAMED_CAMERAS:
        check_no_angles(options, f"--camera {options.camera}")
    _check_numbers(options, out)
    parse_colour(options.background)
    check_light(options)
    if options.light_background and options.light is None:
        raise InputError("--light-background: has nothing to do without --light; leave it out")
    check_output(out, options.audio)


def check_flame(flame: Path | None, avatar: Path | None, *others: Path | None) -> None:
    """Refuse FLAME's file where neither an avatar nor others that are read, weights or a capture,
    can be of FLAME. Raises InputError, or what a bad avatar does."""
    if flame is None or any(others):
        return
    from avatar.files.open_avatar import avatar_kind  # noqa: PLC0415  --help needs no torch

    if avatar is None or avatar_kind(avatar) != "gaussian-avatars":
        raise InputError(f"--flame: {avatar or 'what moves'} needs none; leave it out")


def check_no_angles(options: FilmOptions, other: str) -> None:
    """Refuse angles for a camera of ours beside the option that names another camera."""
    for name in ("azimuth", "elevation"):
        if getattr(options, name):
            raise InputError(f"--{name}: has nothing to do with {other}; leave one out")


def _check_numbers(options: FilmOptions, out: Path) -> None:
    fps = 25.0 if options.fps is None else options.fps
    fastest = GIF_FASTEST if out.suffix.lower() == ".gif" else FASTEST
    if not SLOWEST <= fps <= fastest:
        raise InputError(f"fps {fps:g}: must be from {SLOWEST:g} to {fastest:g} frames a second")
    check_picture(options.width, options.height, fps)
    if max(options.width, options.height) > LARGEST:
        size = f"{options.width}x{options.height}"
        raise InputError(f"width and height {size}: must not exceed {LARGEST} pixels")
    if not math.isfinite(options.azimuth):
        raise InputError(f"--azimuth {options.azimuth}: must be a number of degrees")
    if not -90 <= options.elevation <= 90:
        raise InputError(f"--elevation {options.elevation:g}: must be from -90 to 90 degrees")
