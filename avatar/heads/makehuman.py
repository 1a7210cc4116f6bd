"""MakeHuman's text formats: the base mesh and its morph targets."""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def read_obj(path: Path) -> tuple[Floats, dict[str, list[list[int]]]]:
    """Vertices [B, 3] in decimetres and polygons by group of a Wavefront .obj."""
    vertices: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    group = ""
    for line in path.read_text().splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            vertices.append([float(value) for value in rest[:3]])
        elif word == "g":
            group = rest[0]
        elif word == "f":
            corners = [int(corner.split("/")[0]) - 1 for corner in rest]
            groups.setdefault(group, []).append(corners)
    return np.array(vertices), groups


def read_target(path: Path, count: int) -> Floats:
    """Offsets [B, 3] in decimetres of a MakeHuman target: lines of vertex index and offset."""
    offsets = np.zeros((count, 3))
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    for line in text.decode().splitlines():
        words = line.split()
        if len(words) == 4 and not words[0].startswith("#"):
            offsets[int(words[0])] = [float(word) for word in words[1:]]
    return offsets
