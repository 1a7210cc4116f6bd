"""What the options of every film have in common, and their limits."""

import math
from dataclasses import dataclass
from pathlib import Path

from avatar.film.output import GIF_FASTEST, check_output, check_picture
from common.colours import parse_colour
from common.device import Device
from common.errors import InputError

LARGEST = 8192  # pixels
SLOWEST, FASTEST = 1.0, 240.0  # frames a second
NAMED_CAMERAS = ("front", "orbit")


@dataclass(frozen=True)
class LookOptions:
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
    light: str | None = None
    """The light that the avatar stands in: an equirectangular .hdr or .exr; studio, window,
    overcast, golden-hour, stage or night-street; or lamps by kind, azimuth, elevation, strength and
    colour, as in "key 45 30 1.0 #ffd9b0, rim -150 20 0.6"; by default that in its colours."""
    light_turn: float = 0.0
    """Degrees by which --light is turned around the head, to the subject's left."""
    light_spin: float = 0.0
    """Degrees a second by which it goes on turning."""
    light_skin: str | None = None
    """The mean colour of the skin in white light, #rrggbb, where the avatar's colours hold light;
    by default it is guessed from them."""
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
    _check_light(options)
    check_output(out, options.audio)


def check_no_angles(options: FilmOptions, other: str) -> None:
    """Refuse angles for a camera of ours beside the option that names another camera."""
    for name in ("azimuth", "elevation"):
        if getattr(options, name):
            raise InputError(f"--{name}: has nothing to do with {other}; leave one out")


def _check_light(options: FilmOptions) -> None:
    if options.light is not None:
        from avatar.light.read_light import read_light  # noqa: PLC0415  --help needs no torch

        read_light(options.light)
        for name in ("light_turn", "light_spin"):
            if not math.isfinite(getattr(options, name)):
                flag = name.replace("_", "-")
                raise InputError(f"--{flag} {getattr(options, name)}: must be a number of degrees")
        if options.light_skin is not None:
            parse_colour(options.light_skin)
        return
    for name in ("light_turn", "light_spin", "light_skin"):
        if getattr(options, name):
            flag = name.replace("_", "-")
            raise InputError(f"--{flag}: has nothing to do without --light; leave it out")


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
