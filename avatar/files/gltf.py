"""Write an animated mesh as binary glTF 2.0: morph targets and their weights over time."""

import json
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.atomic import write_beside

Floats = NDArray[np.floating]
Indices = NDArray[np.integer]

MAGIC, VERSION, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
FLOAT, UNSIGNED = 5126, 5125  # component types
VERTEX_DATA, INDEX_DATA = 34962, 34963  # buffer targets


class _Buffer:
    """Arrays one after another, with the views and accessors that name them."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict] = []
        self.accessors: list[dict] = []

    def add(self, array: NDArray, kind: str, target: int | None = None) -> int:
        """Append an array; the number of its accessor."""
        raw = np.ascontiguousarray(array).tobytes()
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(raw)}
        self.views.append(view | ({"target": target} if target else {}))
        self.data += raw
        accessor = {
            "bufferView": len(self.views) - 1,
            "componentType": UNSIGNED if array.dtype == np.uint32 else FLOAT,
            "count": len(array),
            "type": kind,
        }
        if kind == "VEC3" or target is None:
            flat = array.reshape(len(array), -1)
            accessor |= {"min": flat.min(0).tolist(), "max": flat.max(0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def write_glb(
    path: Path,
    rest: Floats,
    faces: Indices,
    targets: Floats,
    weights: Floats,
    fps: float,
    names: tuple[str, ...] = (),
) -> None:
    """Write rest [V, 3] with faces [M, 3], morph targets [K, V, 3] and their weights [F, K].

    Frame f is shown at (f + 0.5) / fps seconds, the middle of the time that it covers. The file
    appears whole or not at all.
    """
    assert len(targets) == weights.shape[1], (targets.shape, weights.shape)
    buffer = _Buffer()
    position = buffer.add(rest.astype("<f4"), "VEC3", VERTEX_DATA)
    index = buffer.add(faces.astype("<u4").reshape(-1), "SCALAR", INDEX_DATA)
    morphs = [
        {"POSITION": buffer.add(target.astype("<f4"), "VEC3", VERTEX_DATA)} for target in targets
    ]
    times = (np.arange(len(weights)) + 0.5) / fps
    time = buffer.add(times.astype("<f4"), "SCALAR")
    value = buffer.add(weights.astype("<f4").reshape(-1), "SCALAR")
    primitive = {"attributes": {"POSITION": position}, "indices": index, "targets": morphs}
    sampler = {"input": time, "output": value, "interpolation": "LINEAR"}
    channel = {"sampler": 0, "target": {"node": 0, "path": "weights"}}
    content = {
        "asset": {"version": "2.0", "generator": "VoiceSplat"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "head"}],
        "meshes": [
            {
                "primitives": [primitive],
                "weights": [0.0] * len(targets),
                "extras": {"targetNames": list(names)},
            }
        ],
        "animations": [{"name": "speech", "samplers": [sampler], "channels": [channel]}],
        "buffers": [{"byteLength": len(buffer.data)}],
        "bufferViews": buffer.views,
        "accessors": buffer.accessors,
    }
    _write_chunks(path, json.dumps(content).encode(), bytes(buffer.data))


def _write_chunks(path: Path, text: bytes, binary: bytes) -> None:
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    length = 12 + 8 + len(text) + 8 + len(binary)
    with write_beside(path) as partial, partial.open("wb") as file:
        file.write(struct.pack("<III", MAGIC, VERSION, length))
        file.write(struct.pack("<II", len(text), JSON_CHUNK) + text)
        file.write(struct.pack("<II", len(binary), BINARY_CHUNK) + binary)
