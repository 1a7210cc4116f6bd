"""The sky as rough matter mirrors it, and which directions lie around each pixel of it.

Pictures are octahedral (Engelhardt and Dachsbacher 2008): no sine is needed to look something up.
"""

import numpy as np

from avatar.geometry.vectors import Floats, normalised
from avatar.lighting.direction_bins import shares_at
from avatar.lighting.environment import Environment, pixel_directions, solid_angles
from avatar.lighting.integrate import Mirror
from avatar.lighting.materials import ROUGHNESS

SIZE = 64  # pixels across a picture


def mirror_of(light: Environment) -> Mirror:
    """The pictures of a sky by roughness; light that turns later turns them along."""
    places = octahedral_directions(SIZE).reshape(-1, 3)
    pictures = np.stack([blurred(light, places, sharpness) for sharpness in ROUGHNESS])
    nearest, shares = shares_at(places)
    order = np.argsort(-shares, axis=1)
    nearest = np.take_along_axis(nearest, order, axis=1)
    shares = np.take_along_axis(shares, order, axis=1)
    size = (SIZE, SIZE, 3)
    return Mirror(
        pictures.reshape(-1, *size).astype(np.float32),
        np.eye(3, dtype=np.float32),
        nearest.astype(np.uint8).reshape(size),
        shares.reshape(size),
    )


def octahedral_directions(size: int) -> Floats:
    """Unit vectors [S, S, 3] to the middles of an octahedral picture's pixels; +z in its middle,
    -z in its corners."""
    across = (np.arange(size) + 0.5) * 2 / size - 1
    y, x = np.meshgrid(across, across, indexing="ij")
    z = 1 - np.abs(x) - np.abs(y)
    folded_x, folded_y = np.copysign(1 - np.abs(y), x), np.copysign(1 - np.abs(x), y)
    return normalised(np.stack([np.where(z < 0, folded_x, x), np.where(z < 0, folded_y, y), z], -1))


def blurred(light: Environment, places: Floats, sharpness: float) -> Floats:
    """Mean radiance [P, 3] under a spherical Gaussian around each of directions [P, 3]."""
    height, width = light.radiance.shape[:2]
    sky = pixel_directions(height, width).reshape(-1, 3).astype(np.float32)
    angles = np.broadcast_to(solid_angles(height, width), (height, width)).reshape(-1, 1)
    energy = light.radiance.reshape(-1, 3) * angles
    weighed = np.concatenate([energy, angles], axis=1).astype(np.float32)  # [H W, 4]
    parts = np.array_split(places.astype(np.float32), max(len(places) // 128, 1))
    total = np.concatenate([np.exp(sharpness * (p @ sky.T - 1)) @ weighed for p in parts])
    return total[:, :3] / total[:, 3:]
