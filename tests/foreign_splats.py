"""Files of Gaussians read as their specifications say, by code that knows nothing of the writers'.

Every reader returns Gaussians in the axes of the file.
"""

from pathlib import Path

import numpy as np
import torch

from splat import Gaussians


def gaussians_of(means, quats_wxyz, scales, opacities, sh) -> Gaussians:  # sh [N, K, 3]
    parts = (means, quats_wxyz, scales, opacities, sh)
    return Gaussians(*(torch.from_numpy(np.ascontiguousarray(p, np.float32)) for p in parts))


def read_world_ply(path: Path) -> Gaussians:
    """The one element `vertex` of little-endian floats, by the names that viewers look for."""
    header, _, body = path.read_bytes().partition(b"end_header\n")
    lines = header.decode("ascii").split("\n")
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    elements = [line.split()[1:] for line in lines if line.startswith("element")]
    assert [name for name, _ in elements] == ["vertex"]
    properties = [line.split()[1:] for line in lines if line.startswith("property")]
    assert {kind for kind, _ in properties} == {"float"}
    names = [name for _, name in properties]
    rows = np.frombuffer(body, "<f4").reshape(int(elements[0][1]), len(names)).astype(float)
    column = {name: rows[:, number] for number, name in enumerate(names)}

    def columns(prefix: str, count: int) -> np.ndarray:
        return np.stack([column[f"{prefix}_{k}"] for k in range(count)], 1)

    per_channel = sum(name.startswith("f_rest_") for name in names) // 3
    sh = [columns("f_dc", 3)]  # [N, 3] of each coefficient
    sh += [
        np.stack([column[f"f_rest_{c * per_channel + k}"] for c in range(3)], 1)
        for k in range(per_channel)
    ]
    return gaussians_of(
        np.stack([column[name] for name in "xyz"], 1),
        columns("rot", 4),
        np.exp(columns("scale", 3)),
        1 / (1 + np.exp(-column["opacity"])),
        np.stack(sh, 1),
    )
