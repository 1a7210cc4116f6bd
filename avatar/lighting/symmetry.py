"""Colours of what is seen on one side of a head alone, for the other side, in the light of that."""

from dataclasses import dataclass

import numpy as np

from avatar.geometry.vectors import Floats

RIDGE = 20.0  # of the light, in places
LIGHTEST = 0.35  # of the logarithm of what the other side's light changes
TRUSTED = 0.8  # of what is told of the other side


@dataclass(frozen=True)
class Observed:
    """What pictures tell of the places of a surface."""

    values: Floats  # [N, C] colours, and what else there is
    weight: Floats  # [N] in [0, 1]


def mirrored(own: Observed, other: Observed, normals: Floats, other_normals: Floats) -> Observed:
    """What is told of places, and where that is little, of their mirrored places.

    normals [N, 3]: of both, in the world, whose light falls on them.
    """
    return joined(own, in_own_light(own, other, normals, other_normals))


def in_own_light(
    own: Observed, other: Observed, normals: Floats, other_normals: Floats
) -> Observed:
    """What is told of mirrored places, in the light that falls on their own. As `mirrored`."""
    values = other.values.copy()
    values[:, :3] *= _light(own, other, normals, other_normals)
    return Observed(values, other.weight)


def joined(own: Observed, there: Observed) -> Observed:
    """What is told of places, and where that is little, what is told of their mirrored places in
    the same light."""
    a, b = own.weight, TRUSTED * there.weight * (1 - own.weight)
    share = (b / np.maximum(a + b, 1e-9))[:, None]
    values = own.values * (1 - share) + there.values * share
    return Observed(values, np.maximum(a, TRUSTED * there.weight))


def _light(own: Observed, other: Observed, normals: Floats, other_normals: Floats) -> Floats:
    """Gains [N, 3] that bring colours of mirrored places into the light of their own: 9 bands of
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
