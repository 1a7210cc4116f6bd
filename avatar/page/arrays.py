"""What a page's arrays are: small numbers where few bits are enough, in one gzip stream."""

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.mesh.rotations import matrix_to_quaternion
from avatar.rig.avatar import Avatar
from splat.scene.conventions import SH_C0

ALIGNMENT = 16  # bytes
LEVELS = 65535  # of 16 bits
SHORTEST = 1e-7  # metres, in any direction, of an offset that is worth storing


@dataclass(frozen=True)
class Packed:
    """Arrays as text, and where in their bytes each lies."""

    text: str  # base64 of a gzip stream
    places: Mapping[str, tuple[int, str, int]]  # name → offset, kind (f4, u4 …), numbers


def pack(arrays: Mapping[str, NDArray]) -> Packed:
    """Put arrays one after the other; equal arrays make equal text."""
    parts, places, size = [], {}, 0
    for name, array in arrays.items():
        kind = array.dtype.newbyteorder("<")
        data = np.ascontiguousarray(array, kind).tobytes()
        places[name] = (size, kind.str[1:], array.size)
        parts.append(data + b"\0" * (-len(data) % ALIGNMENT))
        size += len(parts[-1])
    return Packed(base64.b64encode(gzip.compress(b"".join(parts), 6, mtime=0)).decode(), places)


def avatar_arrays(avatar: Avatar) -> tuple[dict[str, NDArray], tuple[float, float]]:
    """The Gaussians and the mesh at rest; and which logarithms of scales 0 and 65535 stand for."""
    g = avatar.gaussians
    turns = torch.nn.functional.normalize(g.quats, dim=1).numpy()
    low, high = float(g.log_scales.min()), float(g.log_scales.max())
    steps = (g.log_scales.numpy() - low) * (LEVELS / max(high - low, 1e-6))
    opacities = torch.sigmoid(g.opacity_logits).numpy()
    arrays = {
        "rest": avatar.vertices.numpy().astype(np.float32),
        "faces": avatar.faces.numpy().astype(np.uint32),
        "owner": avatar.binding.numpy().astype(np.uint32),
        "means": g.means.numpy().astype(np.float32),
        "turns": np.round(turns * 32767).astype(np.int16),
        "scales": np.round(steps).astype(np.uint16),
        "opacities": np.round(opacities * LEVELS).astype(np.uint16),
        "colours": g.sh.numpy().astype(np.float16).view(np.uint16),
    }
    return arrays, (low, max(high, low + 1e-6))


def light_arrays(lights: Mapping[str, NDArray[np.uint8]]) -> dict[str, NDArray]:
    """Colours [N, 3] by light; and what each of 256 levels is as a coefficient of degree 0."""
    levels = (np.arange(256) / 255 - 0.5) / SH_C0
    found = {"levels": levels.astype(np.float16).view(np.uint16)}
    return found | {f"light{number}": colours for number, colours in enumerate(lights.values())}


def basis_arrays(basis: Tensor) -> dict[str, NDArray]:
    """Rows of vertex offsets [K, V, 3]: of each the vertices that move, and how."""
    vertices, offsets, starts = [], [], [0]
    for row in basis.numpy():
        moved = np.flatnonzero(np.abs(row).max(1) > SHORTEST)
        vertices.append(moved.astype(np.uint32))
        offsets.append(row[moved].astype(np.float32))
        starts.append(starts[-1] + len(moved))
    return {
        "movedVertices": np.concatenate(vertices),
        "movedOffsets": np.concatenate(offsets),
        "basisStart": np.array(starts, np.uint32),
    }


def pose_array(poses: Tensor) -> NDArray:
    """Rigid motions [F, 4, 4] as quaternions xyzw, neighbours on the same side, and shifts."""
    turns = matrix_to_quaternion(poses[:, :3, :3]).roll(-1, 1).numpy().astype(np.float64)
    sides = np.cumprod(np.sign(np.concatenate([[1.0], (turns[1:] * turns[:-1]).sum(1)]) + 1e-12))
    rows = np.concatenate([turns * sides[:, None], poses[:, :3, 3].numpy()], axis=1)
    return rows.astype(np.float32)
