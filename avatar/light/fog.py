"""Hair as a fog on a coarse grid: how much light it lets through towards each direction."""

import math
from dataclasses import dataclass

import numpy as np
from numba import prange
from scipy.ndimage import gaussian_filter

from avatar.light.shadows import DIRECTIONS
from avatar.mesh.vectors import MM, Floats
from common.kernels import cached_njit

CELL = 5 * MM
STEP = 7 * MM


@dataclass(frozen=True)
class Fog:
    """Optical density of hair."""

    density: Floats  # [X, Y, Z] per metre
    origin: Floats  # [3] metres

    def transmitted(self, points: Floats, skip: float, directions: Floats = DIRECTIONS) -> Floats:
        """Share of light from each direction that reaches each point [N, D], in [0, 1].

        skip: metres along the ray that do not count, so that a hair does not shade itself;
        directions [D, 3]: unit vectors towards the light.
        """
        return _march(points, self.density, self.origin, directions, skip)


def hair_fog(points: Floats, cross_sections: Floats, strength: float = 1.0) -> Fog:
    """Fog of hair pieces at points [N, 3] that block `cross_sections` [N] square metres each."""
    origin = points.min(0) - 4 * CELL
    shape = tuple(((points.max(0) - origin) / CELL).astype(int) + 5)
    cells = tuple(((points - origin) / CELL).astype(int).T)
    density = np.zeros(shape)
    np.add.at(density, cells, cross_sections * strength / CELL**3)
    return Fog(gaussian_filter(density, 0.7).astype(np.float32), origin)


@cached_njit(parallel=True)
def _march(points, density, origin, directions, skip):  # pragma: no cover (compiled)
    through = np.ones((len(points), len(directions)), np.float32)
    nx, ny, nz = density.shape
    for i in prange(len(points)):
        for k in range(len(directions)):
            blocked = 0.0
            distance = skip + 0.5 * STEP
            while blocked < 6.0:
                cx = int((points[i, 0] + distance * directions[k, 0] - origin[0]) / CELL)
                cy = int((points[i, 1] + distance * directions[k, 1] - origin[1]) / CELL)
                cz = int((points[i, 2] + distance * directions[k, 2] - origin[2]) / CELL)
                if cx < 0 or cy < 0 or cz < 0 or cx >= nx or cy >= ny or cz >= nz:
                    break
                blocked += density[cx, cy, cz] * STEP
                distance += STEP
            through[i, k] = math.exp(-blocked)
    return through
