"""Open avatars of every kind, distinguished by their content, and convert them."""

from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple, assert_never

from avatar.avatar_io.avatar_file import load_avatar, provenance_of, save_avatar
from avatar.avatar_io.gaussian_avatars import (
    MESH,
    POINTS,
    provenance_in,
    read_gaussian_avatar,
    write_gaussian_avatar,
)
from avatar.avatar_io.options import ConvertOptions
from avatar.geometry.stated_size import ply_header
from avatar.heads.flame_parameters import read_flame_parameters
from avatar.heads.head import SIZES
from avatar.rigging.avatar import Avatar
from common.arrays import read_arrays
from common.errors import InputError
from common.writable import check_writable

Kind = Literal["own", "gaussian-avatars", "scan"]

SPLAT = "opacity"  # a property that Gaussians have and points of a mesh have not
KINDS = (
    "give a .ply of Gaussians bound to a mesh, GaussianAvatars' point_cloud.ply, or a coloured "
    "mesh as .glb, .obj or .ply"
)


class AvatarFiles(NamedTuple):
    """What `open_avatar` takes."""

    path: Path
    flame: Path | None = None
    landmarks: Path | None = None
    texture: Path | None = None
    bare: bool = False


def open_avatar(
    path: Path,
    flame: Path | None = None,
    landmarks: Path | None = None,
    texture: Path | None = None,
    bare: bool = False,
) -> Avatar:
    """An avatar of ours, one of GaussianAvatars with its flame_param.npz beside it, or a mesh.

    flame: FLAME's own file, for GaussianAvatars' files; landmarks: for a mesh whose face is not
    found by itself; texture: a picture for a mesh with texture coordinates; bare: a mesh without
    colours shall not be shaded as plaster. Raises
    FileNotFoundError, OSError or InputError, in one sentence.
    """
    kind = avatar_kind(path)
    if landmarks is not None and kind != "scan":
        raise InputError(f"--landmarks: {path} is no mesh and needs none; leave them out")
    if texture is not None and kind != "scan":
        raise InputError(f"--texture: {path} is no mesh and has its own colours; leave it out")
    match kind:
        case "own":
            return load_avatar(path)
        case "gaussian-avatars":
            return read_gaussian_avatar(path, flame)
        case "scan":
            from avatar.retarget.scan_avatar import avatar_of_scan  # noqa: PLC0415  needed by scans alone

            return avatar_of_scan(path, landmarks, texture, bare)
        case _:
            assert_never(kind)


def avatar_kind(path: Path) -> Kind:
    """What a file holds. Raises FileNotFoundError, or InputError where it is nothing of use."""
    if path.is_dir():
        if (path / POINTS).is_file():
            return "gaussian-avatars"
        raise InputError(f"{path}: is a folder; {KINDS}")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(b"ply"):
        return _ply_kind(path)
    if start.startswith(b"glTF") or path.suffix.lower() == ".obj":
        return "scan"
    raise InputError(f"{path}: is no avatar; {KINDS}")


class Facts(NamedTuple):
    """What an avatar says of where it comes from, and who agreed; empty where it does not."""

    origin: str
    consent: str


def read_facts(path: Path) -> Facts:
    """What the header of a .ply, or the file beside GaussianAvatars' points, says. Raises
    InputError where that is damaged."""
    beside = (path if path.is_dir() else path.parent) / MESH
    if (path.is_dir() or path.name == POINTS) and beside.is_file():
        return Facts(*provenance_in(read_arrays(beside)))
    if path.suffix.lower() != ".ply":
        return Facts("", "")
    lines = ply_header(path)
    return Facts(*provenance_of(" ".join(words[1:]) for words in lines if words[0] == "comment"))


def check_flame(flame: Path | None, avatar: Path | None, *others: Path | None) -> None:
    """Refuse FLAME's file where neither an avatar nor others that are read, weights or a capture,
    can be of FLAME. Raises InputError, or what a bad avatar does."""
    if flame is None or any(others):
        return
    if avatar is None or avatar_kind(avatar) != "gaussian-avatars":
        raise InputError(f"--flame: {avatar or 'what moves'} needs none; leave it out")


def _ply_kind(path: Path) -> Kind:
    words = ply_header(path)
    elements = {line[1] for line in words if line[0] == "element" and len(line) == 3}
    properties = {line[-1] for line in words if line[0] == "property"}
    if SPLAT in properties:
        bound_to_flame = "binding_0" in properties and "mesh_vertex" not in elements
        return "gaussian-avatars" if bound_to_flame else "own"
    if "face" in elements:
        return "scan"
    raise InputError(f"{path}: holds points, neither Gaussians nor a mesh with faces; {KINDS}")


def convert(options: ConvertOptions, consent: str | None = None) -> Avatar:
    """Read an avatar of any kind and write it as another; consent: of its person, a line that
    replaces the avatar's own.

    Raises FileNotFoundError, OSError or InputError: one sentence.
    """
    to_file = options.out.suffix == ".ply"
    if options.flame_param is not None and to_file:
        raise InputError(
            f"--flame-param: {options.out} is one file, which holds no motion; leave it out, or "
            "name a folder with --out"
        )
    if to_file and options.out.name == POINTS:
        raise InputError(
            f"{options.out}: {POINTS} is GaussianAvatars' name; name its folder with --out, or "
            "give the one-file avatar another name"
        )
    if not to_file and options.out.is_file():
        raise InputError(f"{options.out}: is a file; name a folder, or a file that ends in .ply")
    if to_file:
        check_writable(options.out)
    avatar = open_avatar(options.avatar, options.flame, options.landmarks, options.texture)
    avatar = avatar if consent is None else replace(avatar, consent=consent)
    if options.flame and avatar.topology not in SIZES:
        raise InputError(f"--flame: {options.avatar} is {avatar.topology}; leave it out")
    if to_file:
        save_avatar(options.out, avatar)
        return avatar
    if options.flame_param is not None and avatar.topology not in SIZES:
        raise InputError(
            f"--flame-param: {options.avatar} is {avatar.topology}, which FLAME's motion does not "
            "move; leave it out"
        )
    motion = read_flame_parameters(options.flame_param) if options.flame_param else None
    write_gaussian_avatar(options.out, avatar, options.flame, motion)
    return avatar
