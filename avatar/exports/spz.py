"""Niantic's .spz, version 3: a gzip stream of a header and six attributes, one after the other.

Positions are fixed-point numbers of 24 bits, opacities, colours and logarithms of scales bytes,
quaternions 32 bits without their largest component, spherical harmonics bytes.
"""

import gzip
import struct

import numpy as np

from avatar.exports.convention import stored
from avatar.exports.quantise import largest_left_out, to_bytes
from avatar.mesh.vectors import Floats
from splat import Gaussians

MAGIC, VERSION = 0x5053474E, 3
FRACTION = 16  # bits of a position behind the point: 0.015 mm; readers honour any number
WHOLE = 24  # bits of a position in all
STEPS = 16  # of the logarithm of a scale, for each unit, from -10 on
COLOUR = 0.15  # of the range of a byte, for each unit of the coefficient of degree 0
MAGNITUDES = 511  # of a component of a quaternion, at most 1/√2


def spz(gaussians: Gaussians) -> bytes:
    """The content of a file."""
    raw, means = stored(gaussians), gaussians.means.double().numpy()
    count, degree = len(means), int(gaussians.sh.shape[1] ** 0.5) - 1
    fraction = _fraction(means)
    header = struct.pack("<IIIBBBB", MAGIC, VERSION, count, degree, fraction, 0, 0)
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
