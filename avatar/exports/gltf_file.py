"""The file of glTF 2.0: arrays, the accessors that speak of them, and how they are laid out."""

import base64
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from avatar.mesh.vectors import Floats
from common.atomic import write_beside

MAGIC, VERSION, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
BYTE, SHORT, UNSIGNED, FLOAT = 5121, 5123, 5125, 5126  # component types
COMPONENTS = {"|u1": BYTE, "<u2": SHORT, "<u4": UNSIGNED, "<f4": FLOAT}
WIDTHS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
VERTEX_DATA, INDEX_DATA = 34962, 34963  # buffer targets
SHORTEST = 1e-6  # in any direction, of an offset that is worth storing, metres


class GltfFile:
    """The JSON of a file, and the arrays that it speaks of."""

    def __init__(self) -> None:
        self.arrays: list[bytes] = []
        self.size = 0
        self.content: dict[str, Any] = {"bufferViews": [], "accessors": []}

    def view(self, data: bytes, target: int | None = None) -> int:
        """Append bytes; the number of their view."""
        views = self.content["bufferViews"]
        views.append({"buffer": 0, "byteOffset": self.size, "byteLength": len(data)})
        views[-1] |= {"target": target} if target else {}
        self.arrays += [data, b"\0" * (-len(data) % 4)]
        self.size += len(data) + len(self.arrays[-1])
        return len(views) - 1

    def add(
        self,
        array: NDArray | Tensor,
        kind: str = "<f4",
        target: int | None = None,
        normalised: bool = False,
    ) -> int:
        """Append an array [n] or [n, k]; the number of its accessor."""
        rows = np.ascontiguousarray(np.asarray(array), kind).reshape(len(array), -1)
        accessor: dict[str, Any] = {
            "bufferView": self.view(rows.tobytes(), target),
            "componentType": COMPONENTS[kind],
            "count": len(rows),
            "type": WIDTHS[rows.shape[1]],
            "min": rows.min(0).tolist(),
            "max": rows.max(0).tolist(),
        }
        accessor |= {"normalized": True} if normalised else {}
        self.content["accessors"].append(accessor)
        return len(self.content["accessors"]) - 1

    def add_sparse(self, offsets: Tensor) -> int:
        """Append vectors [n, 3], of which only those of some length are stored; the number of their
        accessor."""
        rows = np.asarray(offsets, "<f4")
        moved = np.flatnonzero(np.abs(rows).max(1) > SHORTEST)
        moved = moved if len(moved) else np.zeros(1, int)  # the format wants one at least
        kept = np.zeros_like(rows)
        kept[moved] = rows[moved]
        index = {"bufferView": self.view(moved.astype("<u4").tobytes()), "componentType": UNSIGNED}
        values = {"bufferView": self.view(rows[moved].tobytes())}
        accessor = {"componentType": FLOAT, "count": len(rows), "type": "VEC3"}
        accessor |= {"min": kept.min(0).tolist(), "max": kept.max(0).tolist()}
        accessor |= {"sparse": {"count": len(moved), "indices": index, "values": values}}
        self.content["accessors"].append(accessor)
        return len(self.content["accessors"]) - 1

    def encoded(self) -> bytes:
        """The file in its binary form, .glb."""
        text = self._json({"byteLength": self.size})
        text += b" " * (-len(text) % 4)
        parts = (struct.pack("<III", MAGIC, VERSION, 28 + len(text) + self.size),)
        parts += (struct.pack("<II", len(text), JSON_CHUNK), text)
        parts += (struct.pack("<II", self.size, BINARY_CHUNK), *self.arrays)
        return b"".join(parts)

    def write(self, path: Path) -> None:
        """Write it all, as JSON where the suffix is .gltf; it appears whole or not at all."""
        with write_beside(path) as partial:
            partial.write_bytes(self._text() if path.suffix.lower() == ".gltf" else self.encoded())

    def _text(self) -> bytes:
        """The file as JSON, its arrays within."""
        data = base64.b64encode(b"".join(self.arrays)).decode()
        address = f"data:application/octet-stream;base64,{data}"
        return self._json({"byteLength": self.size, "uri": address})

    def _json(self, buffer: dict[str, Any]) -> bytes:
        asset = {"asset": {"version": "2.0", "generator": "VoiceSplat"}}
        return json.dumps(self.content | asset | {"buffers": [buffer]}).encode()


def linear_light(srgb: Floats) -> Floats:
    """Linear light of sRGB, as glTF stores colours of vertices."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
