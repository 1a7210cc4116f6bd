"""The options of the page that shows an avatar, and their limits."""

from dataclasses import dataclass
from pathlib import Path

from avatar.drive.behaviour_options import BehaviourOptions, SpeechOptions, check_behaviour
from avatar.drive.film_options import FASTEST, SLOWEST, check_flame
from avatar.drive.light_options import LightsOptions, check_lights
from avatar.face.emotion.timeline import check_feelings
from common.device import Device
from common.errors import InputError
from common.writable import check_writable


@dataclass(frozen=True)
class ViewOptions(SpeechOptions, BehaviourOptions, LightsOptions):
    """Show an avatar in the browser: turn it, move its face, let it speak.

    The page is served to this machine until Ctrl-C, or written as one file that works from a disk.
    Nothing is loaded from anywhere.
    """

    avatar: Path
    """The subject: a .ply of Gaussians bound to a mesh, GaussianAvatars' .ply with its
    flame_param.npz beside it, or a coloured mesh of a head (.glb, .obj, .ply)."""
    audio: Path | None = None
    """The voice that it speaks with: any audio or video file with sound; with --motion or --arkit
    it is only heard."""
    motion: Path | None = None
    """Instead of a voice: motion that was saved with --save-motion of driving (.npz)."""
    arkit: Path | None = None
    """Instead of a voice: recorded face motion, a Live Link Face .csv."""
    export: Path | None = None
    """Write the page to this .html instead of serving it."""
    port: int = 0
    """Serve at this port of 127.0.0.1; 0 takes any that is free."""
    no_browser: bool = False
    """Only say where the page is; do not open the browser."""
    fps: float | None = None
    """Frames a second of the motion, between which the page goes smoothly; by default what the
    weights were trained at (25), with --arkit 25. Saved motion has its own."""
    weights: Path | None = None
    """Speech-to-motion weights for --audio (.safetensors); by default those that ship."""
    landmarks: Path | None = None
    """Landmarks of a mesh whose face is not found by itself (.json)."""
    texture: Path | None = None
    """A picture (.jpg, .png) to paint a mesh with that has texture coordinates."""
    flame: Path | None = None
    """FLAME's own file (.pkl or .npz), for whatever is of FLAME: avatars, weights."""
    device: Device = "auto"
    """Where to compute a voice's motion: auto takes CUDA where it works."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""


def check_view(options: ViewOptions) -> None:
    """Refuse, in one sentence, what cannot work, before anything is loaded.

    Raises InputError, FileNotFoundError or OSError.
    """
    if options.motion and options.arkit:
        raise InputError("--motion and --arkit: both move the face; leave one out")
    _check_files(options)
    _check_idle(options)
    check_flame(options.flame, options.avatar, options.weights)
    check_lights(options.lights)
    check_feelings(options.emotion, options.intensity, speaks(options))
    if not 0 <= options.port <= 65535:
        raise InputError(f"--port {options.port}: must be from 0 to 65535")
    check_behaviour(options, speaks(options), "a voice that moves the face")
    if options.fps is not None and not SLOWEST <= options.fps <= FASTEST:
        raise InputError(
            f"fps {options.fps:g}: must be from {SLOWEST:g} to {FASTEST:g} frames a second"
        )


def speaks(options: ViewOptions) -> bool:
    """Whether a voice moves the lips."""
    return options.audio is not None and not (options.motion or options.arkit)


def _check_files(options: ViewOptions) -> None:
    read = (options.avatar, options.audio, options.motion, options.arkit, options.weights)
    for path in (*read, options.landmarks, options.texture, options.flame):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"{path}: no such file; check the path")
        if path is not None and options.export and path.resolve() == options.export.resolve():
            raise InputError(f"{path}: is an input; give --export another name")
    if options.export:
        if options.export.suffix.lower() != ".html":
            raise InputError(f"{options.export}: --export writes a page; name it .html")
        check_writable(options.export)


def _check_idle(options: ViewOptions) -> None:
    """No option may be given that has nothing to do."""
    performed = speaks(options) or options.arkit
    works = {
        "port": (not options.export, "a page that is served; --export writes it"),
        "no_browser": (not options.export, "a page that is served; --export writes it"),
        "weights": (speaks(options), "a voice that moves the face"),
        "weights_style": (speaks(options), "a voice that moves the face"),
        "fps": (performed, "--audio or --arkit"),
        "still": (performed, "--audio or --arkit"),
    }
    for name, (works_here, needed) in works.items():
        if getattr(options, name) and not works_here:
            flag = f"--{name.replace('_', '-')}"
            raise InputError(f"{flag}: has nothing to do without {needed}; leave it out")
