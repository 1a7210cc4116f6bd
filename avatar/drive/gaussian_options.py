"""What can be asked of an avatar's Gaussians as files of other programs."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from avatar.exports.formats import EXTRA, FOLLOWS, HIGHEST, UPWARD, is_numbered
from common.errors import InputError
from common.writable import check_writable

if TYPE_CHECKING:
    from avatar.drive.export_options import ExportOptions

MESH_TOO = (".glb",)
"""Suffixes of a moving mesh as well, unless one moment or numbered files are asked for."""
ASKS = ("at", "sh_degree", "up", "light")


def holds_gaussians(options: "ExportOptions") -> bool:
    """Whether --out is a file, or are files, of an avatar's Gaussians."""
    suffix = options.out.suffix.lower()
    if suffix in MESH_TOO and moves(options):
        return options.at is not None or is_numbered(options.out)
    return suffix in UPWARD or suffix == FOLLOWS


def moves(options: "ExportOptions") -> bool:
    return any((options.audio, options.motion, options.arkit))


def check_gaussians(options: "ExportOptions") -> None:
    """Refuse, in one sentence, Gaussians that cannot be written.

    Raises InputError, FileNotFoundError or OSError.
    """
    out, numbers = options.out, is_numbered(options.out)
    if options.avatar is None:
        raise InputError(f"{out}: holds Gaussians; name the avatar that has them with --avatar")
    _check_library(out)
    _check_degree(options)
    if out.suffix.lower() == FOLLOWS:
        _check_follower(options)
    if options.at is not None:
        _check_moment(options)
    if moves(options) and options.at is None and not numbers:
        name = out.with_name(f"{out.stem}_%05d{out.suffix}").name
        raise InputError(
            f"{out}: holds Gaussians that stand still; name a file for every frame, such as "
            f"{name} in a new folder, or one moment with --at"
        )
    if numbers and not moves(options):
        raise InputError(f"{out}: numbers frames, but nothing moves the avatar; give --audio")
    check_writable(*((out.parent, True) if numbers else (out, False)))
    if numbers:
        _check_folder(out.parent)


def _check_library(out: Path) -> None:
    module = EXTRA.get(out.suffix.lower())
    if module is not None and find_spec(module) is None:
        raise InputError(f"{out}: to write USD its library is needed; pip install usd-core")


def _check_degree(options: "ExportOptions") -> None:
    suffix, degree = options.out.suffix.lower(), options.sh_degree or 0
    if not 0 <= degree <= 3:
        raise InputError(f"--sh-degree {degree}: must be 0, 1, 2 or 3")
    if degree > HIGHEST.get(suffix, 3):
        raise InputError(f"--sh-degree {degree}: {suffix} holds degree {HIGHEST[suffix]} at most")


def _check_follower(options: "ExportOptions") -> None:
    if moves(options):
        raise InputError(
            f"{options.out}: holds an avatar at rest, which LAM's renderer moves itself; leave out "
            "--audio, --motion and --arkit"
        )
    if options.up is not None:
        raise InputError(f"--up: LAM's renderer wants +y up in {options.out}; leave it out")


def _check_moment(options: "ExportOptions") -> None:
    if not moves(options):
        raise InputError("--at: has nothing to do where nothing moves the avatar; leave it out")
    if is_numbered(options.out):
        raise InputError(f"--at: one moment needs no number in {options.out.name}; leave one out")
    if not 0 <= (options.at or 0) < float("inf"):
        raise InputError(f"--at {options.at:g}: must be a number of seconds, 0 or more")


def _check_folder(folder: Path) -> None:
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder}: exists already; name a new folder for the frames")
