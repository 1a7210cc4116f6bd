"""The options of motion for other programs, and their limits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avatar.drive.behaviour_options import BehaviourOptions, SpeechOptions, check_behaviour
from avatar.drive.film_options import FASTEST, SLOWEST, check_flame
from avatar.drive.gaussian_options import ASKS, check_gaussians, holds_gaussians
from avatar.drive.light_options import LightOptions, check_light
from avatar.exports.formats import UPWARD, Up
from avatar.face.emotion.timeline import check_feelings
from common.device import Device
from common.errors import InputError
from common.writable import check_writable

Form = Literal["weights", "morphs", "vertices", "flame", "gaussians"]


@dataclass(frozen=True)
class ExportOptions(SpeechOptions, BehaviourOptions, LightOptions):
    """Write the motion of a voice, of a recorded take, or of saved motion for other programs, or
    an avatar's Gaussians.

    --out says what is written. A .csv holds ARKit weights and head angles as Live Link Face writes
    them. A .glb holds the mesh with morph targets, colours and a joint for the head, animated. A
    .npz holds the offsets of every vertex in every frame, as --save-motion of driving does; with
    --flame, and without --mesh and --avatar, it holds FLAME parameters as GaussianAvatars reads
    them.

    A .ply, .splat, .spz, .sog, .gltf, .usdc or .usda holds the Gaussians of --avatar in world
    space: at rest, at one moment (--at), or frame by frame in numbered files of a new folder (--out
    frames/face_%05d.ply). So does a .glb where nothing moves the avatar, or with --at or a number.
    A .zip holds the avatar for LAM's web renderer and OpenAvatarChat, which move it themselves.
    --light puts a light into the colours of all these, for programs that know none.
    """

    out: Path
    """The file to write: .csv, .npz, .glb, .gltf, .ply, .splat, .spz, .sog, .usdc, .usda, .zip."""
    mesh: Path | None = None
    """The head that shall move: any mesh (.glb, .obj, .ply), as it is and in its own space. Without
    --mesh and --avatar: the mesh of --motion, else anny-head, else for FLAME parameters FLAME's
    mean head."""
    avatar: Path | None = None
    """Instead of a mesh an avatar, as driving opens it: a scan gets its lips parted."""
    audio: Path | None = None
    """What moves it: a voice, any audio or video file with sound."""
    motion: Path | None = None
    """Instead of a voice: motion that was saved with --save-motion or by this command (.npz)."""
    arkit: Path | None = None
    """Instead of a voice: recorded face motion, a Live Link Face .csv."""
    fps: float | None = None
    """Frames a second; by default what the weights were trained at (25), with --arkit 25. Saved
    motion has its own."""
    landmarks: Path | None = None
    """Landmarks of a mesh whose face is not found by itself (.json)."""
    texture: Path | None = None
    """A picture (.jpg, .png) to paint a mesh with that has texture coordinates: --avatar for
    Gaussians or a .glb, or --mesh for a .glb."""
    at: float | None = None
    """Of moving Gaussians only those of this moment, in seconds."""
    sh_degree: int | None = None
    """Degree of the spherical harmonics of Gaussians, 0 to 3, by default the avatar's own. Some
    programs read only a .ply of degree 3 (62 properties)."""
    up: Up | None = None
    """The axis of a file of Gaussians that points up; by default what programs expect of its
    format: y in glTF, USD and .spz, else -y."""
    flame: Path | None = None
    """FLAME's own file (.pkl or .npz): for FLAME parameters, for GaussianAvatars' files and for
    weights trained on FLAME."""
    weights: Path | None = None
    """Speech-to-motion weights for --audio (.safetensors); by default those that ship."""
    device: Device = "auto"
    """Where to compute a voice's motion: auto takes CUDA where it works."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""


def check_export(options: ExportOptions) -> Form:
    """What to write; raises InputError, FileNotFoundError or OSError, in one sentence, for what
    cannot work."""
    movers = sum(path is not None for path in (options.audio, options.motion, options.arkit))
    if movers > 1 or (movers == 0 and not holds_gaussians(options)):
        _form(options)  # a suffix that is none of ours is told first
        raise InputError(
            "give one thing that moves the face: a voice with --audio, saved motion with --motion "
            "or a take with --arkit"
        )
    if options.mesh and options.avatar:
        raise InputError("give the head that shall move with either --mesh or --avatar")
    _check_files(options)
    _check_idle(options)
    check_light(options)
    check_feelings(options.emotion, options.intensity, options.audio is not None)
    check_behaviour(options, options.audio is not None, "--audio")
    if options.fps is not None and not SLOWEST <= options.fps <= FASTEST:
        raise InputError(
            f"fps {options.fps:g}: must be from {SLOWEST:g} to {FASTEST:g} frames a second"
        )
    form = _form(options)
    if form != "flame":
        check_flame(options.flame, options.avatar, options.weights)
    return form


def _check_files(options: ExportOptions) -> None:
    sources = (options.audio, options.motion, options.arkit, options.mesh, options.avatar)
    read = (*sources, options.weights, options.flame, options.landmarks, options.texture)
    for path in read:
        if path is not None and not path.exists():
            raise FileNotFoundError(f"{path}: no such file; check the path")
        if path is not None and path.resolve() == options.out.resolve():
            raise InputError(f"{path}: is named twice, as input and output; choose another --out")
    if holds_gaussians(options):
        check_gaussians(options)
    else:
        check_writable(options.out)


def _check_idle(options: ExportOptions) -> None:
    """No option may be given that has nothing to do."""
    performed = options.audio or options.arkit
    glb = options.out.suffix.lower() == ".glb" and (options.mesh or options.avatar)
    files = f"an --out of Gaussians ({', '.join(UPWARD)})"
    works = {
        "weights": (options.audio, "--audio"),
        "weights_style": (options.audio, "--audio"),
        "fps": (performed, "--audio or --arkit"),
        "still": (performed, "--audio or --arkit"),
        "texture": (
            glb or (options.avatar and holds_gaussians(options)),
            "--mesh or --avatar and an --out that ends in .glb, or --avatar and Gaussians",
        ),
        "landmarks": (options.mesh or options.avatar, "--mesh or --avatar"),
        **dict.fromkeys(ASKS, (holds_gaussians(options), files)),
    }
    for name, (works_here, needed) in works.items():
        given = getattr(options, name)
        if given is not None and given is not False and not works_here:
            raise InputError(
                f"--{name.replace('_', '-')}: has nothing to do without {needed}; leave it out"
            )


def _form(options: ExportOptions) -> Form:
    if holds_gaussians(options):
        return "gaussians"
    match options.out.suffix.lower():
        case ".csv":
            return "weights"
        case ".glb":
            return "morphs"
        case ".npz":
            to_flame = options.flame and not options.mesh and not options.avatar
            return "flame" if to_flame else "vertices"
        case suffix:
            raise InputError(
                f"{options.out}: cannot write {suffix or 'a file without a suffix'}; use .csv for "
                "ARKit weights, .glb for an animated mesh, .npz for vertices or FLAME parameters, "
                f"or {', '.join((*UPWARD, '.zip'))} for an avatar's Gaussians"
            )
