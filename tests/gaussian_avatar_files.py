"""Folders as GaussianAvatars writes them after training, put together byte by byte."""

from pathlib import Path
from typing import Any

import numpy as np
from flame_geometry import flame_arrays

from avatar.heads import flame_model as indices

PROPERTIES = (
    *("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"),
    *(f"f_rest_{i}" for i in range(45)),
    *("opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3", "binding_0"),
)
WITH_TEETH = indices.VERTICES + indices.TEETH_VERTICES, indices.FACES + indices.TEETH_FACES


def write_trained(folder: Path, seed: int = 0, frames: int = 3, teeth: bool = True) -> Path:
    """point_cloud.ply and flame_param.npz; every triangle has one Gaussian, some have two."""
    random = np.random.default_rng(seed)
    write_points(
        folder / "point_cloud.ply", random_points(random, WITH_TEETH[1] if teeth else indices.FACES)
    )
    person: Any = parameters(random, frames, teeth)
    np.savez(folder / "flame_param.npz", **person)
    return folder / "point_cloud.ply"


def write_points(path: Path, rows: np.ndarray) -> None:
    """The .ply of rows [N, 63], one line of header for each property."""
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(rows)}"]
    lines += [f"property float {name}" for name in PROPERTIES]
    header = "\n".join([*lines, "end_header\n"])
    path.write_bytes(header.encode() + rows.astype("<f4").tobytes())


def random_points(random: np.random.Generator, triangles: int) -> np.ndarray:
    """[N, 63] a skin-coloured Gaussian on every triangle, and a second one on each seventh."""
    binding = np.concatenate([np.arange(triangles), np.arange(0, triangles, 7)])
    rows = np.zeros((len(binding), len(PROPERTIES)), np.float32)
    rows[:, 0:3] = random.normal(0, 0.05, (len(rows), 3))
    rows[:, 6:9] = np.array([0.9, 0.35, 0.1]) + random.normal(0, 0.1, (len(rows), 3))
    rows[:, 9:54] = random.normal(0, 0.02, (len(rows), 45))
    rows[:, 54] = random.normal(3, 0.5, len(rows))
    rows[:, 55:58] = np.array([-0.7, -2.5, -0.7]) + random.normal(0, 0.1, (len(rows), 3))
    rows[:, 58:62] = np.array([1, 0, 0, 0]) + random.normal(0, 0.05, (len(rows), 4))
    rows[:, 62] = binding
    return rows


def parameters(random: np.random.Generator, frames: int, teeth: bool) -> dict[str, np.ndarray]:
    """A person's shape and offsets, and a motion of `frames` frames."""
    vertices = WITH_TEETH[0] if teeth else indices.VERTICES
    shape = np.where(np.arange(indices.SHAPES) < 20, random.normal(size=indices.SHAPES), 0)
    waves = np.sin(flame_arrays()["v_template"].sum(1, keepdims=True) * 40) * 1e-3
    offset = np.concatenate([waves, np.zeros((vertices - len(waves), 1))]) * [[0.2, 0.5, 1.0]]
    moving = {
        "expr": random.normal(0, 0.3, (frames, indices.EXPRESSIONS)),
        "rotation": random.normal(0, 0.1, (frames, 3)),
        "neck_pose": random.normal(0, 0.1, (frames, 3)),
        "jaw_pose": np.abs(random.normal(0, 0.1, (frames, 3))) * [1, 0, 0],
        "eyes_pose": random.normal(0, 0.05, (frames, 6)),
        "translation": random.normal(0, 0.02, (frames, 3)),
        "dynamic_offset": np.zeros((frames, vertices, 3)),
    }
    return {
        name: np.asarray(value, np.float32)
        for name, value in ({"shape": shape, "static_offset": offset[None]} | moving).items()
    }
