"""Colours observed on one side of a head, mirrored to the other side and its light."""

from dataclasses import dataclass

import numpy as np

from avatar.geometry.vectors import Floats

RIDGE = 20.0  # of the light, in samples
LIGHTEST = 0.35  # bound of the logarithm of the change between both sides' light
TRUSTED = 0.8  # confidence of mirrored samples


@dataclass(frozen=True)
class Observed:
    """Samples of a surface observed in pictures."""

    values: Floats  # [N, C] colours, and other values
    weight: Floats  # [N] in [0, 1]


def mirrored(own: Observed, other: Observed, normals: Floats, other_normals: Floats) -> Observed:
    """Samples completed, where their confidence is low, by their mirrored samples.

    normals [N, 3]: of both, in the world.
    """
    return joined(own, in_own_light(own, other, normals, other_normals))


def in_own_light(
    own: Observed, other: Observed, normals: Floats, other_normals: Floats
) -> Observed:
    """Mirrored samples under the light of their own side. As `mirrored`."""
    values = other.values.copy()
    values[:, :3] *= _light(own, other, normals, other_normals)
    return Observed(values, other.weight)


def joined(own: Observed, mirror: Observed) -> Observed:
    """Samples completed, where their confidence is low, by mirrored ones in the same light."""
    a, b = own.weight, TRUSTED * mirror.weight * (1 - own.weight)
    share = (b / np.maximum(a + b, 1e-9))[:, None]
    values = own.values * (1 - share) + mirror.values * share
    return Observed(values, np.maximum(a, TRUSTED * mirror.weight))


def _light(own: Observed, other: Observed, normals: Floats, other_normals: Floats) -> Floats:
    """Gains [N, 3] that bring mirrored colours into the light of their own side: 9 bands of
    spherical harmonics of the logarithm (Ramamoorthi and Hanrahan 2001), fitted to both sides."""
    change = _bands(normals) - _bands(other_normals)
    both = np.minimum(own.weight, other.weight)
    pairs = (own.values[:, :3], other.values[:, :3])
    target = np.log((pairs[0] + 0.03) / (pairs[1] + 0.03))
    system = (change * both[:, None]).T @ change + RIDGE * np.eye(change.shape[1])
    light = np.linalg.solve(system, (change * both[:, None]).T @ target)
    return np.exp(np.clip(change @ light, -LIGHTEST, LIGHTEST))


def _bands(normals: Floats) -> Floats:
    x, y, z = normals.T
    one = np.ones_like(x)
    return np.stack([one, x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], axis=1)
