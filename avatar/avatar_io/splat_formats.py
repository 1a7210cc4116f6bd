"""Gaussians written in the formats of other programs.

Niantic's .spz, version 3, is a gzip stream of a header and six attributes, one after the other:
positions as fixed-point numbers of 24 bits, opacities, colours and logarithms of scales as bytes,
quaternions in 32 bits without their largest component, spherical harmonics as bytes.

In glTF 2.0 with KHR_gaussian_splatting they are points with further attributes: programs that do
not know the extension show coloured points. OpenUSD with ParticleField3DGaussianSplat needs the
extra `usd`.
"""

import gzip
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.avatar_io.animated_glb import VERTEX_DATA, GltfFile
from avatar.avatar_io.options import UPWARD, Up
from avatar.geometry.coloured import to_linear
from avatar.geometry.vectors import Floats
from common.atomic import write_beside
from splat import Gaussians, RawGaussians, SplatPly, sh_to_rgb, write_ply

ORDERS = torch.tensor([m for degree in range(4) for m in range(-degree, degree + 1)])  # [16]
NEARLY = 1e-6  # an opacity this near to 0 or 1 has a finite logit


def upside_down(gaussians: Gaussians) -> Gaussians:
    """Gaussians turned by 180° about z: what had +y up has -y up, and the other way round.

    (x, y, z) → (-x, -y, z). A spherical harmonic of order m changes its sign where m is odd.
    """
    w, x, y, z = gaussians.quats.unbind(-1)
    signs = 1 - 2 * (ORDERS[: gaussians.sh.shape[1]] % 2)
    return replace(
        gaussians,
        means=gaussians.means * torch.tensor([-1.0, -1.0, 1.0]),
        quats=torch.stack([-z, -y, x, w], dim=-1),
        sh=gaussians.sh * signs[:, None],
    )


def of_degree(gaussians: Gaussians, degree: int) -> Gaussians:
    """Gaussians whose colours have spherical harmonics of this degree: cut off, or zeros added."""
    count = (degree + 1) ** 2
    missing = max(0, count - gaussians.sh.shape[1])
    sh = torch.nn.functional.pad(gaussians.sh[:, :count], (0, 0, 0, missing))
    return replace(gaussians, sh=sh)


def stored(gaussians: Gaussians) -> RawGaussians:
    """The inverse of `activate`: logarithms of scales, logits of opacities."""
    return RawGaussians(
        means=gaussians.means,
        quats=unit_quaternions(gaussians.quats),
        log_scales=torch.log(gaussians.scales),
        opacity_logits=torch.logit(gaussians.opacities.clamp(NEARLY, 1 - NEARLY)),
        sh=gaussians.sh,
    )


def unit_quaternions(quats: Tensor) -> Tensor:
    """Quaternions [N, 4] wxyz of length 1."""
    return torch.nn.functional.normalize(quats, dim=-1)


def to_bytes(values: Floats) -> NDArray[np.uint8]:
    """The nearest whole numbers from 0 to 255."""
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


SPZ_MAGIC, SPZ_VERSION = 0x5053474E, 3
FRACTION = 16  # bits of a position behind the point: 0.015 mm; readers honour any number
WHOLE = 24  # bits of a position in all
STEPS = 16  # of the logarithm of a scale, for each unit, from -10 on
COLOUR = 0.15  # of the range of a byte, for each unit of the coefficient of degree 0
MAGNITUDES = 511  # of a component of a quaternion, at most 1/√2


def spz(gaussians: Gaussians) -> bytes:
    """The content of an .spz file."""
    raw, means = stored(gaussians), gaussians.means.double().numpy()
    count, degree = len(means), int(gaussians.sh.shape[1] ** 0.5) - 1
    fraction = _fraction(means)
    header = struct.pack("<IIIBBBB", SPZ_MAGIC, SPZ_VERSION, count, degree, fraction, 0, 0)
    parts = (
        _fixed_point(means, fraction),
        to_bytes(255 * gaussians.opacities.numpy()).tobytes(),
        to_bytes(255 * (COLOUR * gaussians.sh[:, 0].numpy() + 0.5)).tobytes(),
        to_bytes(STEPS * (raw.log_scales.numpy() + 10)).tobytes(),
        _quaternions(raw.quats.numpy()[:, [1, 2, 3, 0]]),
        to_bytes(128 * gaussians.sh[:, 1:].numpy() + 128).tobytes(),
    )
    return gzip.compress(header + b"".join(parts), mtime=0)


def _fraction(means: Floats) -> int:
    """Bits behind the point with which the farthest position still has room."""
    farthest = max(float(np.abs(means).max()), 1.0)
    return min(FRACTION, WHOLE - 2 - int(np.floor(np.log2(farthest))))


def _fixed_point(means: Floats, fraction: int) -> bytes:
    numbers = np.round(means * 2**fraction).astype("<i4")
    return numbers.view(np.uint8).reshape(len(means), 3, 4)[:, :, :3].tobytes()


def _quaternions(quats_xyzw: Floats) -> bytes:
    """Two bits that name the largest component, then sign and nine bits of each other one, of the
    quaternion or its opposite, in which the largest is positive."""
    largest = np.abs(quats_xyzw).argmax(1)
    signs = np.where(np.take_along_axis(quats_xyzw, largest[:, None], 1) < 0, -1.0, 1.0)
    others = np.array([[k for k in range(4) if k != left_out] for left_out in range(4)])
    packed = largest.astype(np.uint32)
    for component in np.take_along_axis(signs * quats_xyzw, others[largest], 1).T:
        negative = (component < 0).astype(np.uint32)
        magnitude = np.round(MAGNITUDES * np.sqrt(2) * np.abs(component)).astype(np.uint32)
        packed = (packed << 10) | (negative << 9) | np.minimum(magnitude, MAGNITUDES)
    return packed.astype("<u4").tobytes()


EXTENSION = "KHR_gaussian_splatting"
POINTS = 0  # a primitive's mode
AS_TRAINED = {
    "kernel": "ellipse",
    "colorSpace": "srgb_rec709_display",
    "projection": "perspective",
    "sortingMethod": "cameraDistance",
}


def gaussian_gltf(gaussians: Gaussians) -> GltfFile:
    """A scene with the Gaussians alone; +y is up, as in all of glTF."""
    file, count = GltfFile(), len(gaussians.means)
    attributes = {"POSITION": file.add(gaussians.means, target=VERTEX_DATA)}
    rgb = sh_to_rgb(gaussians.sh[:, 0]).clamp(0, 1).numpy()
    rgba = np.concatenate([to_linear(rgb), gaussians.opacities.numpy()[:, None]], 1)
    attributes["COLOR_0"] = file.add(to_bytes(255 * rgba), "|u1", VERTEX_DATA, normalised=True)
    quats_xyzw = unit_quaternions(gaussians.quats).roll(-1, 1)
    named = {"ROTATION": quats_xyzw, "SCALE": gaussians.scales, "OPACITY": gaussians.opacities}
    named |= {name: gaussians.sh[:, k] for k, name in enumerate(_names(gaussians.sh.shape[1]))}
    for name, values in named.items():
        attributes[f"{EXTENSION}:{name}"] = file.add(values.reshape(count, -1), target=VERTEX_DATA)
    primitive = {"attributes": attributes, "mode": POINTS, "extensions": {EXTENSION: AS_TRAINED}}
    file.content |= {
        "extensionsUsed": [EXTENSION],
        "meshes": [{"primitives": [primitive], "name": "head"}],
        "nodes": [{"mesh": 0, "name": "head"}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    }
    return file


def _names(count: int) -> list[str]:
    """The names of the first 1, 4, 9 or 16 coefficients of spherical harmonics."""
    numbers = ((degree, n) for degree in range(4) for n in range(2 * degree + 1))
    return [f"SH_DEGREE_{degree}_COEF_{n}" for degree, n in numbers][:count]


def write_usd(path: Path, gaussians: Gaussians, said: tuple[str, ...]) -> None:
    """A stage with the Gaussians alone: metres, +y up."""
    from pxr import (  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
        Usd,
        UsdGeom,
        UsdVol,
        Vt,
    )

    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    head = UsdVol.ParticleField3DGaussianSplat.Define(stage, "/head")
    stage.SetDefaultPrim(head.GetPrim())
    w, x, y, z = unit_quaternions(gaussians.quats).numpy().T
    means, count = gaussians.means.numpy(), gaussians.sh.shape[1]
    vectors, numbers = Vt.Vec3fArray.FromNumpy, Vt.FloatArray.FromNumpy
    head.CreatePositionsAttr(vectors(means))
    head.CreateOrientationsAttr(Vt.QuatfArray.FromNumpy(np.stack([x, y, z, w], 1)))
    head.CreateScalesAttr(vectors(gaussians.scales.numpy()))
    head.CreateOpacitiesAttr(numbers(gaussians.opacities.numpy()))
    head.CreateRadianceSphericalHarmonicsDegreeAttr(int(count**0.5) - 1)
    coefficients = np.ascontiguousarray(gaussians.sh.reshape(-1, 3).numpy())
    head.CreateRadianceSphericalHarmonicsCoefficientsAttr(vectors(coefficients))
    low, high = means.min(0), means.max(0)
    reach = 3 * float(gaussians.scales.max())  # what a Gaussian covers, at most
    head.CreateExtentAttr(vectors(np.stack([low - reach, high + reach])))
    stage.GetRootLayer().comment = "; ".join(said)
    stage.GetRootLayer().Save()


def write_gaussians(
    path: Path,
    gaussians: Gaussians,
    degree: int | None = None,
    up: Up | None = None,
    said: tuple[str, ...] = (),
) -> None:
    """Write Gaussians of head space, +y up; the file appears whole or not at all.

    degree: of the spherical harmonics, by default as they are; up: the axis that shall point up,
    by default the format's own; said: comments, which .ply, glTF and USD can hold. Raises OSError.
    """
    suffix = path.suffix.lower()
    if degree is not None:
        gaussians = of_degree(gaussians, degree)
    if (up or UPWARD[suffix]) == "-y":
        gaussians = upside_down(gaussians)
    with write_beside(path) as partial:
        WRITERS[suffix](partial, gaussians, said)


WRITERS: dict[str, Callable[[Path, Gaussians, tuple[str, ...]], object]] = {
    ".ply": lambda path, gaussians, said: write_ply(
        path, SplatPly(stored(gaussians), comments=said)
    ),
    ".spz": lambda path, gaussians, said: path.write_bytes(spz(gaussians)),
    ".glb": lambda path, gaussians, said: path.write_bytes(gaussian_gltf(gaussians).encoded(said)),
    ".usdc": write_usd,
    ".usda": write_usd,
}
