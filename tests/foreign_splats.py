"""Files of Gaussians read as their specifications say, by code that knows nothing of the writers'.

Every reader returns Gaussians in the axes of the file.
"""

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import torch
from glb_files import read_glb

from splat import Gaussians

C0 = 0.28209479177387814  # the spherical harmonic of degree 0


def gaussians_of(means, quats_wxyz, scales, opacities, sh) -> Gaussians:  # sh [N, K, 3]
    parts = (means, quats_wxyz, scales, opacities, sh)
    return Gaussians(*(torch.from_numpy(np.array(p, np.float32)) for p in parts))


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


def read_spz(path: Path) -> Gaussians:
    """Version 3, byte by byte."""
    data = io.BytesIO(gzip.decompress(path.read_bytes()))
    magic, version, count, degree, fraction, flags, reserved = struct.unpack(
        "<4sIIBBBB", data.read(16)
    )
    assert (magic, version, flags, reserved) == (b"NGSP", 3, 0, 0)

    def take(*shape: int) -> np.ndarray:
        size = int(np.prod((count, *shape)))
        return np.frombuffer(data.read(size), np.uint8).reshape(count, *shape).astype(np.int64)

    position = take(3, 3) @ [1, 1 << 8, 1 << 16]
    position = np.where(position >= 1 << 23, position - (1 << 24), position) / 2.0**fraction
    opacities, dc = take(1)[:, 0] / 255, (take(3) / 255 - 0.5) / 0.15
    scales = np.exp(take(3) / 16 - 10)
    packed, turns = take(4) @ [1, 1 << 8, 1 << 16, 1 << 24], np.zeros((count, 4))
    for row, number in zip(turns, packed.tolist(), strict=True):
        largest = number >> 30
        for place in reversed([k for k in range(4) if k != largest]):
            size = (number & 511) / 511 / np.sqrt(2)
            row[place] = -size if number & 512 else size
            number >>= 10
        row[largest] = np.sqrt(max(0.0, 1 - (row**2).sum()))
    higher = (take((degree + 1) ** 2 - 1, 3) - 128) / 128
    assert not data.read()
    sh = np.concatenate([dc[:, None], higher], 1)
    return gaussians_of(position, turns[:, [3, 0, 1, 2]], scales, opacities, sh)


def read_gaussian_glb(path: Path) -> Gaussians:
    """KHR_gaussian_splatting."""
    glb = read_glb(path)
    name = "KHR_gaussian_splatting"
    primitive = glb.shape
    assert name in glb.content["extensionsUsed"] and primitive["mode"] == 0
    said = primitive["extensions"][name]
    assert (said["kernel"], said["colorSpace"]) == ("ellipse", "srgb_rec709_display")
    sh = []
    for degree in range(4):
        for n in range(2 * degree + 1):
            if f"{name}:SH_DEGREE_{degree}_COEF_{n}" in primitive["attributes"]:
                sh.append(glb.attribute(f"{name}:SH_DEGREE_{degree}_COEF_{n}"))
    x, y, z, w = glb.attribute(f"{name}:ROTATION").T
    scales, opacities = glb.attribute(f"{name}:SCALE"), glb.attribute(f"{name}:OPACITY")[:, 0]
    turns = np.stack([w, x, y, z], 1)
    return gaussians_of(glb.attribute("POSITION"), turns, scales, opacities, np.stack(sh, 1))


def read_usd(path: Path) -> Gaussians:
    """By OpenUSD itself."""
    from pxr import Usd, UsdGeom, UsdVol  # noqa: PLC0415  # pyright: ignore

    stage = Usd.Stage.Open(str(path))
    assert UsdGeom.GetStageUpAxis(stage) == "Y" and UsdGeom.GetStageMetersPerUnit(stage) == 1
    head = UsdVol.ParticleField3DGaussianSplat(stage.GetDefaultPrim())
    turns = [(q.real, *q.imaginary) for q in head.GetOrientationsAttr().Get()]
    means, scales = (np.array(a.Get()) for a in (head.GetPositionsAttr(), head.GetScalesAttr()))
    low, high = np.array(head.GetExtentAttr().Get())
    assert (low < means).all() and (means < high).all()
    count = (head.GetRadianceSphericalHarmonicsDegreeAttr().Get() + 1) ** 2
    sh = np.array(head.GetRadianceSphericalHarmonicsCoefficientsAttr().Get())
    opacities = np.array(head.GetOpacitiesAttr().Get())
    return gaussians_of(means, turns, scales, opacities, sh.reshape(len(means), count, 3))
