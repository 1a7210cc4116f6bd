"""Distant light from all around: an environment map and its samples.

Pictures are equirectangular, seen from inside: their middle is in front of the face, where azimuth
and elevation are 0, their left is the subject's left (+x, positive azimuth), their top is up.
Radiance is linear; a white diffuse surface under radiance 1 from everywhere reflects 1, which is
displayed as white.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from avatar.geometry.vectors import Floats, directions, normalised

HEIGHT, WIDTH = 64, 128  # of the picture that reflections are made of
COARSE = 2  # pixels of it, across and down, that make one sample for matt surfaces


@dataclass(frozen=True, eq=False)
class Environment:
    """Light from all around, in a space fixed while the head turns."""

    radiance: Floats  # [HEIGHT, WIDTH, 3]
    directions: Floats  # [P, 3] unit, towards the light of each sample
    energy: Floats  # [P, 3] irradiance of a surface that faces that sample


@dataclass(frozen=True)
class Lobe:
    """A lamp: a spherical Gaussian exp(sharpness (cos - 1)) around a direction."""

    azimuth: float  # degrees, positive to the subject's left
    elevation: float  # degrees, positive up
    strength: float  # radiance of a white surface that faces it
    sharpness: float  # 0: the same from everywhere
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)  # linear, of strength 1


def towards(azimuth: float, elevation: float) -> Floats:
    """The unit vector [3] to where an azimuth and elevation in degrees point."""
    return directions(*np.radians([azimuth, elevation]))


def turn(degrees: float) -> Floats:
    """The rotation [3, 3] that moves light by so many degrees towards the subject's left."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


@dataclass(frozen=True)
class EnvironmentRotation:
    """Rotation of a light around the vertical axis, towards the subject's left."""

    turn: float = 0.0  # degrees
    spin: float = 0.0  # degrees a second

    def after(self, seconds: float) -> Floats:
        """The rotation [3, 3] at a time."""
        return turn(self.turn + self.spin * seconds)


@dataclass(frozen=True)
class Light:
    environment: Environment
    rotation: EnvironmentRotation
    skin: tuple[float, float, float] | None = None
    """linear, the mean colour of the skin in white light; None: guessed from the avatar's"""


def pixel_directions(height: int, width: int) -> Floats:
    """Unit vectors [H, W, 3] to the middles of a picture's pixels."""
    elevation = np.pi / 2 - (np.arange(height) + 0.5) * np.pi / height
    azimuth = np.pi - (np.arange(width) + 0.5) * 2 * np.pi / width
    e, a = np.meshgrid(elevation, azimuth, indexing="ij")
    return directions(a, e)


def solid_angles(height: int, width: int) -> Floats:
    """Steradians [H, 1] of the pixels of each row."""
    edges = np.cos(np.arange(height + 1) * np.pi / height)
    return (2 * np.pi / width * (edges[:-1] - edges[1:]))[:, None]


def environment(radiance: Floats) -> Environment:
    """The light of a picture [H, W, 3] of any size; its energy and mean direction are kept."""
    return _environment(radiance, pixel_directions(*radiance.shape[:2]))


def _environment(radiance: Floats, directions: Floats) -> Environment:
    energy = radiance * solid_angles(*radiance.shape[:2])[..., None]
    moment = energy.mean(-1, keepdims=True) * directions
    fine = _gathered(energy, HEIGHT, WIDTH)
    rows, columns = HEIGHT // COARSE, WIDTH // COARSE
    coarse = _gathered(energy, rows, columns).reshape(-1, 3)
    middles = _gathered(moment, rows, columns).reshape(-1, 3)
    dark = np.linalg.norm(middles, axis=1) == 0
    middles[dark] = pixel_directions(rows, columns).reshape(-1, 3)[dark]
    picture = fine / solid_angles(HEIGHT, WIDTH)[..., None]
    return Environment(picture, normalised(middles), coarse)


def lamps(lobes: Sequence[Lobe]) -> Environment:
    """The light of lamps together."""
    directions = _lamp_directions()
    angles = solid_angles(*directions.shape[:2])
    radiance = np.zeros(directions.shape)
    for lobe in lobes:
        cosine = directions @ towards(lobe.azimuth, lobe.elevation)
        shape = np.exp(lobe.sharpness * (cosine - 1))
        white = (shape * np.maximum(cosine, 0) * angles).sum() / np.pi
        radiance += lobe.strength / white * shape[..., None] * np.asarray(lobe.colour)
    return _environment(radiance, directions)


@cache
def _lamp_directions() -> Floats:
    return pixel_directions(4 * HEIGHT, 4 * WIDTH)


def irradiance(light: Environment, normals: Floats) -> Floats:
    """Radiance [N, 3] of unoccluded white diffuse surfaces of normals [N, 3]."""
    return np.maximum(normals @ light.directions.T, 0) @ light.energy / np.pi


def rotated(light: Environment, R: Floats) -> Environment:
    """The same light turned by a rotation [3, 3]."""
    height, width = light.radiance.shape[:2]
    x, y, z = (pixel_directions(height, width) @ R).reshape(-1, 3).T  # where each pixel was
    row = ((np.pi / 2 - np.arcsin(np.clip(y, -1, 1))) / np.pi * height).astype(int)
    column = ((np.pi - np.arctan2(x, z)) / (2 * np.pi) * width).astype(int)
    seen = light.radiance[row.clip(0, height - 1), column % width].reshape(light.radiance.shape)
    return Environment(seen, light.directions @ R.T, light.energy)


def _gathered(values: Floats, height: int, width: int) -> Floats:
    """Sums [height, width, C] of a picture's values [H, W, C]; a pixel across a border is shared
    out by its area."""
    for axis, size in ((0, height), (1, width)):
        values = np.moveaxis(_binned(np.moveaxis(values, axis, 0), size), 0, axis)
    return values


def _binned(values: Floats, size: int) -> Floats:
    """Sums [size, ...] of rows [n, ...] that cover the same length."""
    if len(values) % size == 0:
        return values.reshape(size, -1, *values.shape[1:]).sum(axis=1)
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    position = np.arange(size + 1) * len(values) / size
    below = np.minimum(position.astype(int), len(values) - 1)
    share = (position - below).reshape(-1, *[1] * (values.ndim - 1))
    return np.diff(total[below] * (1 - share) + total[below + 1] * share, axis=0)
