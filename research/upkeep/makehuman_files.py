"""MakeHuman's text formats: meshes (.obj), morph targets (.target), parts bound to the base mesh
(.mhclo)."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from avatar.geometry.vectors import Floats, Ints
from common.errors import InputError, check_file

AXES = ("x_scale", "y_scale", "z_scale")


@dataclass(frozen=True)
class ObjFile:
    """A Wavefront mesh. Polygons are lists of corners; a corner without a texture point has -1."""

    vertices: Floats  # [V, 3]
    texture_points: Floats  # [T, 2]
    polygons: dict[str, list[list[int]]]  # by group: vertices of the corners
    texture_polygons: dict[str, list[list[int]]]  # by group: texture points of the corners

    def triangles(self, *groups: str) -> tuple[Ints, Floats]:
        """Fans [M, 3] of some groups' polygons, by default of all, and texture coordinates
        [M, 3, 2] of their corners."""
        named = groups or tuple(self.polygons)
        faces = [fan for name in named for p in self.polygons[name] for fan in fan_of(p)]
        corners = [fan for name in named for p in self.texture_polygons[name] for fan in fan_of(p)]
        return np.array(faces), self.texture_points[np.array(corners)]


def fan_of(polygon: list[int]) -> list[list[int]]:
    return [[polygon[0], *pair] for pair in pairwise(polygon[1:])]


@dataclass(frozen=True)
class BoundPart:
    """A .mhclo: each vertex of a part as a point of three vertices of the base mesh, and an offset
    that grows with the body."""

    mesh: str  # name of the .obj beside it
    reference: Ints  # [P, 3] vertices of the base mesh
    weights: Floats  # [P, 3] their sum is 1; some are negative
    offsets: Floats  # [P, 3] decimetres
    measured: Ints  # [3, 2] for x, y and z two vertices of the base whose distance ...
    lengths: Floats  # [3] ... is so long (decimetres) where offsets count as written
    hides: Ints  # [H] vertices of the body that it covers


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and words of each line that holds any. Raises FileNotFoundError or InputError."""
    check_file(path)
    data = path.read_bytes()
    try:
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no text ({error}); download it again") from None
    for number, line in enumerate(text.splitlines(), 1):
        if (words := line.split()) and not words[0].startswith("#"):
            yield number, words


def _bad(path: Path, number: int, what: str) -> InputError:
    return InputError(f"{path}, line {number}: {what}; download the file again")


def _floats(path: Path, number: int, words: list[str], count: int) -> list[float]:
    try:
        values = [float(word) for word in words[:count]]
    except ValueError:
        values = []
    if len(values) != count or not np.isfinite(values).all():
        raise _bad(path, number, f"{count} numbers are expected, not {' '.join(words)!r}")
    return values


def read_obj(path: Path) -> ObjFile:
    """Read an .obj or .obj.gz. Raises FileNotFoundError or InputError."""
    points: dict[str, list[list[float]]] = {"v": [], "vt": []}
    polygons: dict[str, list[list[int]]] = {}
    texture_polygons: dict[str, list[list[int]]] = {}
    group = ""
    for number, (word, *rest) in _lines(path):
        if word in points:
            points[word].append(_floats(path, number, rest, 3 if word == "v" else 2))
        elif word == "g":
            group = rest[0] if rest else ""
        elif word == "f":
            corners = _corners(path, number, rest, len(points["v"]), len(points["vt"]))
            polygons.setdefault(group, []).append([vertex for vertex, _ in corners])
            texture_polygons.setdefault(group, []).append([point for _, point in corners])
    if not polygons:
        raise InputError(f"{path}: has no polygons; give a Wavefront .obj")
    vertices, texture = np.array(points["v"]), np.array(points["vt"]).reshape(-1, 2)
    return ObjFile(vertices, texture, polygons, texture_polygons)


def _corners(
    path: Path, number: int, words: list[str], vertices: int, points: int
) -> list[tuple[int, int]]:
    try:
        parts = [[*word.split("/"), ""][:2] for word in words]
        corners = [(int(vertex) - 1, int(point) - 1 if point else -1) for vertex, point in parts]
    except ValueError:
        corners = []
    known = all(0 <= v < vertices and -1 <= p < points for v, p in corners)
    if len(corners) < 3 or not known:
        raise _bad(path, number, f"{' '.join(words)!r} is no polygon of the points above it")
    return corners


def read_target(path: Path, count: int) -> Floats:
    """Offsets [count, 3] in decimetres of a morph target: lines of vertex index and offset.

    Raises FileNotFoundError or InputError.
    """
    offsets = np.zeros((count, 3))
    for number, (index, *rest) in _lines(path):
        if not index.isdecimal() or int(index) >= count:
            raise _bad(path, number, f"the mesh has no vertex {index}")
        offsets[int(index)] = _floats(path, number, rest, 3)
    return offsets


def read_bound_part(path: Path, count: int) -> BoundPart:
    """Read a .mhclo for a base mesh of `count` vertices. Raises FileNotFoundError or InputError."""
    rows, hides, mesh, section = [], [], "", ""
    scales: dict[str, tuple[list[int], float]] = {}
    for number, (word, *rest) in _lines(path):
        if word in AXES:
            first, second, length = _floats(path, number, rest, 3)
            scales[word] = ([int(first), int(second)], length)
        elif word == "obj_file" and rest:
            mesh = rest[0]
        elif word in ("verts", "delete_verts", "weights"):
            section = word
        elif section == "verts" and word.isdecimal():
            rows.append(_binding_row(path, number, [word, *rest]))
        elif section == "delete_verts":
            hides += _ranges(path, number, [word, *rest])
    if not rows or not mesh or set(scales) != set(AXES):
        raise InputError(f"{path}: lacks vertices, obj_file or scales; download the file again")
    table = np.array(rows)
    measured = np.array([scales[axis][0] for axis in AXES])
    if max(table[:, :3].max(), measured.max(), max(hides, default=0)) >= count:
        raise InputError(f"{path}: names vertices that the base mesh lacks; take MakeHuman's own")
    return BoundPart(
        mesh=mesh,
        reference=table[:, :3].astype(np.int64),
        weights=table[:, 3:6],
        offsets=table[:, 6:],
        measured=measured,
        lengths=np.array([scales[axis][1] for axis in AXES]),
        hides=np.array(sorted(hides), np.int64),
    )


def _binding_row(path: Path, number: int, words: list[str]) -> list[float]:
    """Three vertices, three weights, an offset; a row of one number is that vertex itself."""
    if len(words) == 1:
        return [*_floats(path, number, words, 1) * 3, 1, 0, 0, 0, 0, 0]
    return _floats(path, number, words, 9)


def _ranges(path: Path, number: int, words: list[str]) -> list[int]:
    """Numbers from `3 5 - 7 12`."""
    found: list[int] = []
    try:
        for position, word in enumerate(words):
            if word == "-":
                found += range(int(words[position - 1]) + 1, int(words[position + 1]))
            else:
                found.append(int(word))
    except (ValueError, IndexError):
        raise _bad(path, number, "is no list of numbers and ranges") from None
    return found
