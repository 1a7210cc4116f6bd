"""Coloured meshes from .obj (with .mtl and textures), .ply and .glb files.

Nothing in a file is executed, nothing is fetched from a network, and no file outside the folder of
the mesh is opened: trimesh refuses such names from version 5 on, here they raise InputError.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray

from avatar.geometry.coloured import ColouredMesh, Paint, Picture, joined, to_srgb
from avatar.geometry.edges import welded
from avatar.geometry.picture_file import read_picture
from avatar.geometry.stated_size import glb_content, ply_elements, ply_header, stated_size
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Floats, Ints
from common.errors import InputError, check_file

SUFFIXES = (".obj", ".ply", ".glb")
LARGEST_FILE = 2 << 30  # bytes
MOST_TRIANGLES = 2_000_000
PLAIN = 0.76  # grey of a mesh without any colour
BLACK = 0.02  # some programs write this as the colour below a texture
SPLATS = ("f_dc_0", "scale_0", "opacity")  # properties by which a .ply of Gaussians is known


def is_mesh_file(path: Path) -> bool:
    """Whether a file holds a mesh to look at, by its suffix and, for a .ply, by its header: a .ply
    with triangles that is not one of Gaussians."""
    suffix = path.suffix.lower()
    if suffix != ".ply":
        return suffix in SUFFIXES
    names = {words[-1] for words in ply_header(path) if words[0] == "property"}
    return not names & set(SPLATS) and ply_elements(path, "face") > 0


def read_mesh(path: Path, texture: Path | None = None) -> ColouredMesh:
    """Read a coloured mesh in its own space and unit, one surface with its seams sewn up.

    texture: a picture that is laid on its texture coordinates instead of its own colours. Raises
    FileNotFoundError, OSError, or InputError with one sentence that says what is wrong.
    """
    _check_file(path)
    _check_companions(path, needed=texture is None)
    picture = None if texture is None else read_picture(texture)
    scene = _load(path)
    materials = path.suffix.lower() == ".glb" or any(_companions(path))
    parts = [_part(path, geometry, turn, materials) for geometry, turn in _placed(scene)]
    if not parts:
        raise InputError(
            f"{path} holds no triangles, so it has no surface; export it as a mesh with faces"
        )
    whole = joined(*parts)
    if picture is not None:
        whole = _textured(path, whole, picture)
    elif path.suffix.lower() == ".glb" and not whole.paint.textures:
        _check_no_texture(path)
    return _sewn(path, whole)


def _check_file(path: Path) -> None:
    check_file(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: a mesh must be one of {', '.join(SUFFIXES)}; export it as .glb")
    if path.stat().st_size > LARGEST_FILE:
        raise InputError(f"{path}: is larger than 2 GiB; decimate the mesh and shrink its texture")
    if suffix == ".ply" and not is_mesh_file(path):
        raise InputError(
            f"{path}: is a .ply without triangles or one of Gaussians, not a coloured mesh; export "
            "the scan as a mesh with faces"
        )
    _check_size(path, *stated_size(path))


def _check_size(path: Path, vertices: int, faces: int) -> None:
    """A mesh that is too large is refused before memory runs out on it."""
    for count, name, most in (
        (faces, "triangles", MOST_TRIANGLES),
        (vertices, "vertices", 3 * MOST_TRIANGLES),
    ):
        if count > most:
            raise InputError(f"{path}: has {count:,} {name}, more than {most:,}; decimate it first")


def _companions(path: Path) -> Iterator[tuple[str, str]]:
    """The material files of an .obj with their textures, the textures of a .ply."""
    if path.suffix.lower() == ".ply":
        for line in map(" ".join, ply_header(path)):
            if found := re.search("texturefile(.*)", line, re.IGNORECASE):
                yield "texture", found[1].strip()
    if path.suffix.lower() != ".obj":
        return
    for library in _named(path, "mtllib"):
        yield "material file", library
        if (path.parent / library).is_file():
            yield from (("texture", name) for name in _named(path.parent / library, "map_kd"))


def _check_companions(path: Path, needed: bool) -> None:
    """The files that a mesh names must lie in its folder, and be there where they are needed."""
    for what, name in _companions(path):
        companion = (path.parent / name).resolve()
        said, there = f"{path} names the {what} {name}, which", "put it beside the .obj"
        if not companion.is_relative_to(path.parent.resolve()):
            raise InputError(f"{said} lies outside its folder; {there}")
        if needed and not companion.is_file():
            raise FileNotFoundError(f"{said} is not there; {there}")


def _named(path: Path, key: str) -> list[str]:
    """What the lines of a text file name after a key; options of a texture are left out."""
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.lstrip().lower().startswith(key)]
    names = [line[len(key) :].strip() for line in lines]
    return [name.split()[-1] if name.startswith("-") else name for name in names if name]


def _load(path: Path) -> trimesh.Scene:
    try:
        return trimesh.load_scene(path, file_type=path.suffix[1:].lower(), process=False)
    except Exception as error:  # trimesh raises whatever its parsers happen to meet
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path}: is not a readable {path.suffix} mesh ({reason}); export it again"
        ) from None


def _placed(scene: trimesh.Scene) -> list[tuple[Any, Floats]]:
    """Every geometry with triangles, as often as it is in a scene, with its transform [4, 4]."""
    nodes = [scene.graph[name] for name in scene.graph.nodes_geometry]
    shapes = [(scene.geometry[name], np.asarray(turn)) for turn, name in nodes]
    return [(shape, turn) for shape, turn in shapes if len(getattr(shape, "faces", ()))]


def _part(path: Path, geometry: Any, turn: Floats, materials: bool) -> ColouredMesh:
    """A geometry with its transform applied; materials: whether its file names any."""
    faces = np.asarray(geometry.faces, np.int64).reshape(-1, 3)
    vertices = np.asarray(geometry.vertices, np.float64).reshape(-1, 3)
    _check_numbers(path, vertices, faces)
    vertices = vertices @ turn[:3, :3].T + turn[:3, 3]
    if np.linalg.det(turn[:3, :3]) < 0:
        faces = faces[:, ::-1]
    linear = path.suffix.lower() == ".glb"  # as glTF 2.0 stores factors and vertex colours
    rgb, uv, texture, pictures = _colours(path, geometry, faces, linear, materials)
    mesh = Mesh(torch.from_numpy(vertices), torch.from_numpy(np.ascontiguousarray(faces)))
    paint = Paint(rgb.astype(np.float32), uv.astype(np.float32), texture, tuple(pictures))
    return ColouredMesh(mesh, paint)


def _check_numbers(path: Path, vertices: Floats, faces: Ints) -> None:
    if not np.isfinite(vertices).all():
        raise InputError(f"{path}: some vertices are not finite numbers; clean and export it again")
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise InputError(
            f"{path}: a triangle names a vertex that is not there; the file is damaged, export it "
            "again"
        )


def _colours(
    path: Path, geometry: Any, faces: Ints, linear: bool, named: bool
) -> tuple[Floats, Floats, Ints, list[Picture]]:
    """Corner colours [M, 3, 3], corner uv [M, 3, 2], texture of each triangle [M], pictures.

    linear: whether colours are linear light; named: whether its material is the file's own.
    """
    visual = geometry.visual
    uv = np.zeros((len(faces), 3, 2))
    texture = np.full(len(faces), -1)
    if visual.kind in ("vertex", "face"):
        own = (
            visual.vertex_colors[faces] if visual.kind == "vertex" else visual.face_colors[:, None]
        )
        rgb = np.broadcast_to(_unit(own), (len(faces), 3, 3))
        return (to_srgb(rgb) if linear else rgb), uv, texture, []
    if visual.kind != "texture":
        return np.full((len(faces), 3, 3), PLAIN), uv, texture, []
    if visual.uv is not None:
        uv = np.asarray(visual.uv, np.float64)[faces]
        if not np.isfinite(uv).all():
            raise InputError(f"{path}: some texture coordinates are not numbers; export it again")
    materials = getattr(visual.material, "materials", None) or [visual.material]
    number = getattr(visual, "face_materials", None)
    owner = np.zeros(len(faces), np.int64) if number is None else np.asarray(number)
    factors = np.stack([_factor(material) for material in materials])
    pictures = [_picture(material) if visual.uv is not None else None for material in materials]
    textured = np.array([named and picture is not None for picture in pictures])
    factors[textured & (factors.max(1) < BLACK)] = 1.0
    attributes = getattr(visual, "vertex_attributes", {})
    if not named:
        factors[:] = 1.0 if "color" in attributes else PLAIN
    rgb = np.repeat(factors[owner][:, None], 3, axis=1)
    if "color" in attributes:
        rgb = rgb * _unit(np.asarray(attributes["color"]))[faces]
    texture = np.where(textured, np.cumsum(textured) - 1, -1)[owner]
    found = [picture for picture in pictures if named and picture is not None]
    return (to_srgb(rgb) if linear else rgb), uv, texture, found


def _unit(colours: NDArray) -> Floats:
    """RGB in [0, 1] of colours [..., 3 or 4] in floats or whole numbers."""
    most = np.iinfo(colours.dtype).max if colours.dtype.kind in "iu" else 1
    return np.asarray(colours[..., :3], np.float64) / most


def _factor(material: Any) -> Floats:
    """The plain colour [3] of a material, by which its texture is multiplied."""
    pbr = getattr(material, "baseColorFactor", None)
    colour = pbr if pbr is not None else getattr(material, "diffuse", None)
    return np.ones(3) if colour is None else _unit(np.asarray(colour))


def _picture(material: Any) -> Picture | None:
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    return None if image is None else np.asarray(image.convert("RGB"))


def _check_no_texture(path: Path) -> None:
    """Refuse a .glb whose materials have textures, where none could be read."""
    materials = glb_content(path).get("materials", [])
    if any("baseColorTexture" in m.get("pbrMetallicRoughness", {}) for m in materials):
        raise InputError(
            f"{path}: its texture cannot be read; export it again with textures embedded as PNG or "
            "JPEG"
        )


def _textured(path: Path, scan: ColouredMesh, picture: Picture) -> ColouredMesh:
    """The scan with a picture on all that has texture coordinates."""
    mapped = (scan.paint.uv != 0).any(axis=(1, 2))
    if not mapped.any():
        raise InputError(
            f"--texture: {path} has no texture coordinates, which say where on it a picture goes; "
            "export it with its UV map"
        )
    rgb = np.where(mapped[:, None, None], np.float32(1), scan.paint.rgb)
    paint = Paint(rgb, scan.paint.uv, np.where(mapped, 0, -1), (picture,))
    return ColouredMesh(scan.mesh, paint)


def _sewn(path: Path, scan: ColouredMesh) -> ColouredMesh:
    _check_size(path, len(scan.vertices), len(scan.faces))
    vertices, faces, kept = welded(scan.vertices, scan.faces)
    if len(faces) == 0:
        raise InputError(f"{path}: all its triangles are points or lines; export it again")
    mesh = Mesh(torch.from_numpy(vertices).float(), torch.from_numpy(faces))
    return ColouredMesh(mesh, scan.paint.of(kept))
