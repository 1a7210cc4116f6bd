"""The plan of an export: each option is read once, before anything is loaded."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from audio2mesh import stated_seconds
from avatar.avatar_io.open_avatar import AvatarFiles, check_flame
from avatar.avatar_io.options import EXTRA, UPWARD, Up, is_numbered
from avatar.drive.direction import Direction, direction_of
from avatar.drive.options import ExportOptions
from avatar.drive.performance import Mover, read_mover
from avatar.drive.plans import check_fps, files_of, there
from avatar.lighting.environment import Light
from avatar.lighting.environment_files import light_of
from avatar.trust.manifest import Seal, seal_of
from common.device import Device
from common.errors import InputError, check_idle
from common.writable import check_distinct, check_writable, is_free

Form = Literal["weights", "morphs", "vertices", "flame", "gaussians"]

MESH_TOO = (".glb",)
"""Suffixes of a moving mesh as well, unless one frame or numbered files are asked for."""
ASKS = ("at", "sh_degree", "up", "light")


@dataclass(frozen=True)
class ExportPlan:
    form: Form
    out: Path
    avatar: AvatarFiles | None  # whose head moves; else the mesh's, the mover's own or anny-head
    mesh: AvatarFiles | None
    direction: Direction
    mover: Mover | None  # None: a voice, or nothing
    moves: bool
    light: Light | None
    at: float | None  # seconds
    sh_degree: int | None
    up: Up | None
    device: Device
    seal: Seal | None


def plan_export(options: ExportOptions) -> ExportPlan:
    """Check the options; raises InputError, FileNotFoundError or OSError, in one sentence, for
    what cannot work."""
    movers = sum(path is not None for path in (options.audio, options.motion, options.arkit))
    if movers > 1 or (movers == 0 and not holds_gaussians(options)):
        _form(options)  # reports an unknown suffix first
        raise InputError(
            "give one thing that moves the face: a voice with --audio, saved motion with --motion "
            "or a take with --arkit"
        )
    if options.mesh and options.avatar:
        raise InputError("give the head that shall move with either --mesh or --avatar")
    _check_files(options)
    _check_idle(options)
    light, speaks = light_of(options), options.audio is not None
    direction = direction_of(options, speaks, speaks, "--audio")
    check_fps(options.fps)
    form = _form(options)
    if form != "flame":
        check_flame(options.flame, options.avatar, options.weights)
    if options.audio:
        stated_seconds(options.audio)  # says at once what is no sound
    bare, texture = light is not None, options.texture
    return ExportPlan(
        form,
        options.out,
        files_of(options, options.avatar, bare) if options.avatar else None,
        AvatarFiles(options.mesh, None, options.landmarks, texture) if options.mesh else None,
        direction,
        read_mover(options.motion, options.arkit),
        _moves(options),
        light,
        options.at,
        options.sh_degree,
        options.up,
        options.device,
        seal_of(options),
    )


def holds_gaussians(options: ExportOptions) -> bool:
    """Whether --out is a file, or are files, of an avatar's Gaussians."""
    suffix = options.out.suffix.lower()
    if suffix in MESH_TOO and _moves(options):
        return options.at is not None or is_numbered(options.out)
    return suffix in UPWARD


def _moves(options: ExportOptions) -> bool:
    return any((options.audio, options.motion, options.arkit))


def _check_files(options: ExportOptions) -> None:
    sources = (options.audio, options.motion, options.arkit, options.mesh, options.avatar)
    beside = (options.weights, options.flame, options.landmarks, options.texture)
    check_distinct([options.out], there(*sources, *beside))
    if holds_gaussians(options):
        _check_gaussians(options)
    else:
        check_writable(options.out)


def _check_idle(options: ExportOptions) -> None:
    """Refuse options without effect."""
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
    check_idle(options, works)


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
                f"or {', '.join(UPWARD)} for an avatar's Gaussians"
            )


def _check_gaussians(options: ExportOptions) -> None:
    """Refuse, in one sentence, Gaussians that cannot be written.

    Raises InputError, FileNotFoundError or OSError.
    """
    out, numbers = options.out, is_numbered(options.out)
    if options.avatar is None:
        raise InputError(f"{out}: holds Gaussians; name the avatar that has them with --avatar")
    module = EXTRA.get(out.suffix.lower())
    if module is not None and find_spec(module) is None:
        raise InputError(f"{out}: to write USD its library is needed; pip install usd-core")
    if not 0 <= (options.sh_degree or 0) <= 3:
        raise InputError(f"--sh-degree {options.sh_degree}: must be 0, 1, 2 or 3")
    if options.at is not None:
        _check_time(options)
    if _moves(options) and options.at is None and not numbers:
        name = out.with_name(f"{out.stem}_%05d{out.suffix}").name
        raise InputError(
            f"{out}: holds Gaussians that stand still; name a file for every frame, such as "
            f"{name} in a new folder, or one frame with --at"
        )
    if numbers and not _moves(options):
        raise InputError(f"{out}: numbers frames, but nothing moves the avatar; give --audio")
    check_writable(*((out.parent, True) if numbers else (out, False)))
    if numbers and not is_free(out.parent):
        raise InputError(f"{out.parent}: exists already; name a new folder for the frames")


def _check_time(options: ExportOptions) -> None:
    if not _moves(options):
        raise InputError("--at: has nothing to do where nothing moves the avatar; leave it out")
    if is_numbered(options.out):
        raise InputError(f"--at: one frame needs no number in {options.out.name}; leave one out")
    if not 0 <= (options.at or 0) < float("inf"):
        raise InputError(f"--at {options.at:g}: must be a number of seconds, 0 or more")
