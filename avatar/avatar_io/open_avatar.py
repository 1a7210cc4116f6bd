"""Open avatars of every kind, distinguished by their content."""

from pathlib import Path
from typing import Literal, NamedTuple, assert_never

from avatar.avatar_io.avatar_file import load_avatar, provenance_of
from avatar.avatar_io.gaussian_avatars import MESH, POINTS, provenance_in, read_gaussian_avatar
from avatar.rigging.avatar import Avatar
from common.arrays import read_arrays
from common.errors import InputError

Kind = Literal["own", "gaussian-avatars", "scan"]

HEADER = 2**16  # bytes within which the header of a .ply ends
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
        start = file.read(HEADER)
    if start.startswith(b"ply"):
        return _ply_kind(path, start)
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
    with path.open("rb") as file:
        header = file.read(HEADER).partition(b"end_header")[0].decode("ascii", "replace")
    comments = (line.partition(" ") for line in header.splitlines())
    return Facts(*provenance_of(words for kind, _, words in comments if kind == "comment"))


def check_flame(flame: Path | None, avatar: Path | None, *others: Path | None) -> None:
    """Refuse FLAME's file where neither an avatar nor others that are read, weights or a capture,
    can be of FLAME. Raises InputError, or what a bad avatar does."""
    if flame is None or any(others):
        return
    if avatar is None or avatar_kind(avatar) != "gaussian-avatars":
        raise InputError(f"--flame: {avatar or 'what moves'} needs none; leave it out")


def _ply_kind(path: Path, start: bytes) -> Kind:
    header = start.partition(b"end_header")[0].decode("latin-1")
    words = [line.split() for line in header.splitlines() if line.split()]
    elements = {line[1] for line in words if line[0] == "element" and len(line) == 3}
    properties = {line[-1] for line in words if line[0] == "property"}
    if SPLAT in properties:
        bound_to_flame = "binding_0" in properties and "mesh_vertex" not in elements
        return "gaussian-avatars" if bound_to_flame else "own"
    if "face" in elements:
        return "scan"
    raise InputError(f"{path}: holds points, neither Gaussians nor a mesh with faces; {KINDS}")
