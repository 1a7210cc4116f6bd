"""What the Gaussians of an avatar are, apart from any light; tables of visibility, packed."""

from typing import NamedTuple

import numpy as np

from avatar.mesh.vectors import Floats, Ints

JAW, LIDS, STILL = range(3)


class Surfaces(NamedTuple):
    """What each Gaussian is, in its own frame."""

    normals: Floats  # [N, 3] float32 unit
    tangents: Floats  # [N, 3] float32 unit, along the longest axis
    matter: Ints  # [N] uint8 row of the table of matters
    albedo: Floats  # [N, 3] float32 linear
    rest: Ints  # [N, D / 2] uint8, two shares of visibility: see `packed`
    opened: Ints  # [N, D / 2] uint8, with the jaw open and the lids shut
    follows: Ints  # [N] uint8: JAW, LIDS or STILL, by whose opening the two are mixed
    access: Floats  # [N, 2] float32 share of an even sky that arrives, at rest and opened

    def of(self, rows: Ints) -> "Surfaces":
        """Some Gaussians [n]."""
        albedo, access = self.albedo[rows], self.access[rows]
        kinds = self.normals[rows], self.tangents[rows], self.matter[rows]
        tables = self.rest[rows], self.opened[rows], self.follows[rows]
        return Surfaces(*kinds, albedo, *tables, access)


def packed(visibility: Floats) -> Ints:
    """Shares in [0, 1] [N, D] in steps of 1/15: the first half of the directions in the low four
    bits of each byte, the second half in the high ones."""
    steps = np.round(np.clip(visibility, 0, 1) * 15).astype(np.uint8)
    half = steps.shape[1] // 2
    return steps[:, :half] | steps[:, half:] << 4


def unpacked(table: Ints) -> Floats:
    """The inverse of `packed`, float32."""
    return np.concatenate([table & 15, table >> 4], axis=1).astype(np.float32) / 15


def where_still(surfaces: Surfaces) -> Surfaces:
    """The same, marked as STILL where the two tables are one."""
    moves = (surfaces.rest != surfaces.opened).any(1)
    return surfaces._replace(follows=np.where(moves, surfaces.follows, STILL).astype(np.uint8))
