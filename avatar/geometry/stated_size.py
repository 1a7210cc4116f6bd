"""How large a mesh file says its mesh is: known before any of it is held in memory."""

import json
import struct
from pathlib import Path
from typing import Any

PIECE = 1 << 24  # bytes of an .obj that are looked at in one go
HEADER = 1 << 16  # bytes within which the header of a .ply ends


def stated_size(path: Path) -> tuple[int, int]:
    """Vertices and polygons of an .obj, .ply or .glb by its header or lines; 0 for what a damaged
    file does not say."""
    match path.suffix.lower():
        case ".ply":
            return ply_elements(path, "vertex"), ply_elements(path, "face")
        case ".obj":
            return _lines(path, b"v"), _lines(path, b"f")
        case ".glb":
            return _glb_size(path)
        case suffix:
            raise AssertionError(suffix)


def ply_header(path: Path) -> list[list[str]]:
    """The words of each line of a .ply's header; none where the file is something else."""
    with path.open("rb") as file:
        start = file.read(HEADER)
    if not start.startswith(b"ply"):
        return []
    header = start.partition(b"end_header")[0].decode("latin-1")
    return [line.split() for line in header.splitlines() if line.split()]


def ply_elements(path: Path, name: str) -> int:
    """How many elements of a kind the header of a .ply announces."""
    counts = [w[2] for w in ply_header(path) if len(w) == 3 and w[:2] == ["element", name]]
    return sum(int(count[:18]) for count in counts if count.isdecimal())


def _lines(path: Path, key: bytes) -> int:
    """Lines of a text file that begin with a word."""
    wanted, count, before = (b"\n" + key + b" ", b"\n" + key + b"\t"), 0, b"\n"
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            text = before + piece
            count += sum(text.count(start) for start in wanted)
            before = text[-len(key) - 1 :]
    return count


def _glb_size(path: Path) -> tuple[int, int]:
    """By the accessors of its meshes (glTF 2.0, 3.7.2), each as often as a node shows it."""
    try:
        content = glb_content(path)
        accessors = content.get("accessors", [])
        sizes = [_mesh_size(mesh, accessors) for mesh in content.get("meshes", [])]
        shown = [sizes[node["mesh"]] for node in content.get("nodes", []) if "mesh" in node]
    except Exception:  # what a damaged file happens to raise
        return 0, 0
    return sum(vertices for vertices, _ in shown), sum(faces for _, faces in shown)


def glb_content(path: Path) -> dict[str, Any]:
    """The JSON of a .glb."""
    with path.open("rb") as file:
        length = struct.unpack("<I", file.read(20)[12:16])[0]
        return json.loads(file.read(length))


def _mesh_size(mesh: dict[str, Any], accessors: list[dict[str, Any]]) -> tuple[int, int]:
    vertices = faces = 0
    for primitive in mesh["primitives"]:
        positions = accessors[primitive["attributes"]["POSITION"]]["count"]
        corners = accessors[primitive["indices"]]["count"] if "indices" in primitive else positions
        vertices, faces = vertices + positions, faces + corners // 3
    return vertices, faces
