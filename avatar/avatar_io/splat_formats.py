"""Gaussians converted to what other programs expect, quantised, and as two compact formats.

The .splat of antimatter15's viewer has 32 bytes for each Gaussian, and nothing else: float32 x y z;
float32 scales; bytes of red, green, blue and opacity; a byte for each component of the quaternion
wxyz, 128 being 0. Colours have no direction.

Niantic's .spz, version 3, is a gzip stream of a header and six attributes, one after the other:
positions as fixed-point numbers of 24 bits, opacities, colours and logarithms of scales as bytes,
quaternions in 32 bits without their largest component, spherical harmonics as bytes.
"""

import gzip
import struct
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.geometry.vectors import Floats
from splat import Gaussians, RawGaussians, sh_to_color

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


Bytes = NDArray[np.uint8]

LEVELS = 256  # of a byte


def to_bytes(values: Floats) -> Bytes:
    """The nearest whole numbers from 0 to 255."""
    return np.clip(np.round(values), 0, LEVELS - 1).astype(np.uint8)


def largest_left_out(quats: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Unit quaternions [N, 4] by three numbers: which component is the largest [N], and the others
    [N, 3] in their order, of the quaternion or its opposite, in which the largest is positive."""
    largest = np.abs(quats).argmax(1)
    rows = np.arange(len(quats))
    signed = quats * np.where(quats[rows, largest] < 0, -1.0, 1.0)[:, None]
    others = np.array([[k for k in range(4) if k != left_out] for left_out in range(4)])
    return largest, np.take_along_axis(signed, others[largest], axis=1)


def codebook(values: Floats) -> tuple[Floats, Bytes]:
    """256 rising numbers that stand for values of any shape, and which of them stands for each:
    Lloyd's quantiser (IEEE Trans. Inf. Theory 28, 1982), begun half from quantiles and half from
    even steps, so that rare values are not far off either."""
    flat, half = values.astype(np.float64).ravel(), LEVELS // 2
    crowded = np.quantile(flat, (np.arange(half) + 0.5) / half)
    book = np.sort(np.concatenate([crowded, np.linspace(flat.min(), flat.max(), half)]))
    for _ in range(10):
        nearest = _nearest(book, flat)
        counts = np.bincount(nearest, minlength=LEVELS)
        totals = np.bincount(nearest, weights=flat, minlength=LEVELS)
        book = np.sort(np.where(counts > 0, totals / np.maximum(counts, 1), book))
    return book, _nearest(book, flat).astype(np.uint8).reshape(values.shape)


def _nearest(book: Floats, flat: Floats) -> NDArray[np.intp]:
    return np.searchsorted((book[1:] + book[:-1]) / 2, flat)


def palette(vectors: Floats, size: int) -> tuple[Floats, NDArray[np.intp]]:
    """At most `size` vectors [P, D] that stand for many [N, D], and which stands for each [N].

    Median cut (Heckbert, SIGGRAPH 1982): halves along the widest dimension, until there are enough
    parts; where there are no more vectors than `size` they stand for themselves.
    """
    if len(vectors) <= size:
        return vectors, np.arange(len(vectors))
    parts = [np.arange(len(vectors))]
    while len(parts) * 2 <= size:
        parts = [half for part in parts for half in _halves(vectors, part)]
    labels = np.empty(len(vectors), np.intp)
    for number, part in enumerate(parts):
        labels[part] = number
    return np.stack([vectors[part].mean(0) for part in parts]), labels


def _halves(vectors: Floats, part: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The rows of a part, cut in two at the median of its widest dimension."""
    if len(part) < 2:
        return [part]
    inside = vectors[part]
    widest = int(np.ptp(inside, axis=0).argmax())
    order = part[np.argsort(inside[:, widest], kind="stable")]
    return [order[: len(order) // 2], order[len(order) // 2 :]]


ROW = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("quat", "u1", 4)])


def dot_splat(gaussians: Gaussians) -> bytes:
    """The content of a .splat file, with colours of degree 0 alone."""
    rows = np.empty(len(gaussians.means), ROW)
    rows["mean"], rows["scale"] = gaussians.means.numpy(), gaussians.scales.numpy()
    rgb = sh_to_color(gaussians.sh[:, :1], gaussians.means)  # the same from everywhere
    rows["rgba"][:, :3] = to_bytes(255 * rgb.numpy())
    rows["rgba"][:, 3] = to_bytes(255 * gaussians.opacities.numpy())
    rows["quat"] = to_bytes(128 * unit_quaternions(gaussians.quats).numpy() + 128)
    return rows.tobytes()


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
    """Two bits that name the largest component, then sign and nine bits of each other one."""
    largest, others = largest_left_out(quats_xyzw)
    packed = largest.astype(np.uint32)
    for component in others.T:
        negative = (component < 0).astype(np.uint32)
        magnitude = np.round(MAGNITUDES * np.sqrt(2) * np.abs(component)).astype(np.uint32)
        packed = (packed << 10) | (negative << 9) | np.minimum(magnitude, MAGNITUDES)
    return packed.astype("<u4").tobytes()
