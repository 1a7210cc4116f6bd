"""From which sides a Gaussian may be seen: those that light reaches it from, and a little around.

What a ray of light passes on its way in, a look passes on its way out.
"""

import numpy as np

from avatar.light.matters import CLOTH, LIPS, MOUTH, STRAND, TEETH
from avatar.light.shadows import DIRECTIONS
from avatar.light.surfaces import Surfaces, unpacked
from avatar.mesh.vectors import Ints

AROUND = np.cos(np.radians(22))  # of each direction: its neighbours' ring
THIN = 0.1  # share of light through hair below which it hides what is behind it


def sides_of(surfaces: Surfaces, everywhere: bool = False) -> Ints:
    """[N, D / 8] uint8: a bit for each of DIRECTIONS, set where a viewer there may see a Gaussian.

    Lips, teeth and mouth, which open in more ways than the tables know, are seen from everywhere,
    and so is all if `everywhere` says so.
    """
    if everywhere:
        return np.full((len(surfaces.matter), len(DIRECTIONS) // 8), 255, np.uint8)
    seen = np.zeros((len(surfaces.matter), len(DIRECTIONS)), bool)
    least = np.where(np.isin(surfaces.matter, (STRAND, CLOTH)), THIN, 0)[:, None]
    visible = np.maximum(unpacked(surfaces.rest), unpacked(surfaces.opened)) > least
    for direction, around in enumerate(DIRECTIONS @ DIRECTIONS.T > AROUND):
        seen[:, direction] = visible[:, around].any(1)
    seen[np.isin(surfaces.matter, (LIPS, MOUTH, TEETH))] = True
    return np.packbits(seen, axis=1, bitorder="little")
