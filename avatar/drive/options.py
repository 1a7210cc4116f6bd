"""The options of a drive, and their limits."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Never, Protocol

from avatar.film.colours import parse_colour
from avatar.film.output import GIF_FASTEST, check_output, check_picture
from common.device import Device
from common.errors import InputError
from common.writable import check_writable

LARGEST = 8192  # pixels
SLOWEST, FASTEST = 1.0, 240.0  # frames a second
NAMED_CAMERAS = ("front", "orbit")


@dataclass(frozen=True)
class DriveOptions:
    """Make a talking-head video of an avatar from a voice recording or recorded face motion."""

    avatar: Path
    """The avatar: a .ply of ours, GaussianAvatars' point_cloud.ply with its flame_param.npz beside
    it, or a coloured mesh of a head (.glb, .obj, .ply)."""
    audio: Path | None = None
    """The voice: any audio or video file with sound; with --arkit it is only heard."""
    output: Path | None = None
    """The video: .mp4, .webm, .gif, or a new folder for PNG frames; default: beside the audio."""
    arkit: Path | None = None
    """Recorded face motion that moves the face instead of the voice: a Live Link Face .csv."""
    width: int = 512
    """Width of the picture in pixels, even."""
    height: int = 512
    """Height of the picture in pixels, even."""
    fps: float | None = None
    """Frames a second; by default what the weights were trained at (25), with --arkit 25."""
    camera: str = "front"
    """front, orbit (swings around the head), or a JSON file of keyframes (see README)."""
    azimuth: float = 0.0
    """Degrees around the head; positive turns to the subject's left (not with a file)."""
    elevation: float = 0.0
    """Degrees above the height of the face (not with a file)."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it works."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
    still: bool = False
    """No blinks and no head motion: only speech, or the weights of --arkit, move the face."""
    background: str = "#cccccf"
    """Colour behind the head: #rrggbb or white, black, grey, green."""
    weights: Path | None = None
    """Speech-to-motion weights (.safetensors); by default those that ship."""
    flame: Path | None = None
    """FLAME's own file (.pkl or .npz): for GaussianAvatars' files and weights trained on FLAME."""
    landmarks: Path | None = None
    """Landmarks of a mesh whose face is not found by itself (.json)."""
    texture: Path | None = None
    """A picture (.jpg, .png) to paint a mesh with that has texture coordinates."""
    save_motion: Path | None = None
    """Also save the vertex motion to this .npz."""
    report: Path | None = None
    """Also save timings and memory to this .json."""
    style: str | None = None
    """Speaking style of the weights, by its name; by default the neutral one."""
    seed: int = 0
    """Seed of blinks and head motion."""


def default_output(options: DriveOptions) -> Path:
    """The video's name where the user gives none: beside the audio, after it and the avatar."""
    source = options.audio or options.arkit or _nothing_moves()
    return source.with_name(f"{source.stem}_{options.avatar.stem}.mp4")


def check_options(options: DriveOptions, output: Path) -> None:
    """Refuse, in one sentence, what cannot work, before anything is loaded.

    Raises InputError, FileNotFoundError or OSError.
    """
    if options.audio is None and options.arkit is None:
        _nothing_moves()
    for path in inputs(options):
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file; check the path")
    if options.arkit and options.weights:
        raise InputError("--weights: has nothing to do where --arkit moves the face; leave one out")
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: must not be negative")
    check_filming(options, output)
    for path in (options.save_motion, options.report):
        if path is not None:
            check_writable(path)
    _check_distinct(options, output)


def _nothing_moves() -> Never:
    raise InputError("nothing moves the avatar: give a voice with --audio or a take with --arkit")


def inputs(options: DriveOptions) -> tuple[Path, ...]:
    """The files that the options name and that must be there."""
    named = (options.avatar, options.audio, options.arkit, options.weights)
    named += (options.flame, options.landmarks, options.texture)
    return tuple(path for path in named if path is not None)


class Filming(Protocol):
    """What the options of every film have in common; their meaning is that of DriveOptions."""

    @property
    def audio(self) -> Path | None: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def fps(self) -> float | None: ...
    @property
    def camera(self) -> str: ...
    @property
    def azimuth(self) -> float: ...
    @property
    def elevation(self) -> float: ...
    @property
    def background(self) -> str: ...


def check_filming(options: Filming, output: Path) -> None:
    """Refuse, in one sentence, a film that cannot be shot or written.

    Raises InputError, FileNotFoundError or OSError.
    """
    if options.camera not in NAMED_CAMERAS and not Path(options.camera).is_file():
        raise InputError(
            f"--camera {options.camera}: must be front, orbit or an existing JSON file of keyframes"
        )
    if options.camera not in NAMED_CAMERAS:
        check_no_angles(options, f"--camera {options.camera}")
    _check_numbers(options, output)
    parse_colour(options.background)
    check_output(output, options.audio)


def check_no_angles(options: Filming, other: str) -> None:
    """Refuse angles for a camera of ours beside the option that names another camera."""
    for name in ("azimuth", "elevation"):
        if getattr(options, name):
            raise InputError(f"--{name}: has nothing to do with {other}; leave one out")


def _check_numbers(options: Filming, output: Path) -> None:
    fps = 25.0 if options.fps is None else options.fps
    fastest = GIF_FASTEST if output.suffix.lower() == ".gif" else FASTEST
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


def _check_distinct(options: DriveOptions, output: Path) -> None:
    """No file that is written may be one that is read or written as well."""
    camera = () if options.camera in NAMED_CAMERAS else (Path(options.camera),)
    taken = {path.resolve() for path in (*inputs(options), *camera)}
    for path in (output, options.save_motion, options.report):
        if path is None:
            continue
        if path.resolve() in taken:
            raise InputError(f"{path}: is named twice, as another input or output; choose another")
        taken.add(path.resolve())
