"""Where the hairs of painted brows stand."""

import numpy as np
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Floats, Ints, normalised, smoothstep
from avatar.people.skin import Skin
from avatar.people.subject import Look


class FaceFront:
    """The face seen from the front, to position hairs by their x and y on the mean head."""

    def __init__(self, skin: Skin) -> None:
        front = np.flatnonzero((skin.normals[:, 2] > 0.1) & (skin.mm[:, 2] > 35))
        self.mm, self.points = skin.mm[front], skin.points[front]
        self.normals, self.triangles = skin.normals[front], skin.spots.triangles[front]
        self.tree = KDTree(self.mm[:, :2])

    def place(self, xy: Floats) -> tuple[Floats, Floats, Ints]:
        """Points and normals [N, 3] of the resting face under xy [N, 2] mm, and triangles [N]."""
        distance, near = (np.asarray(found) for found in self.tree.query(xy, 6))
        depth = self.mm[near][:, :, 2]
        weights = np.exp(-((distance / 1.2) ** 2) - (depth.max(1, keepdims=True) - depth) / 5)
        weights = (weights + 1e-9) / (weights + 1e-9).sum(1, keepdims=True)
        moved = self.points[near] - self.mm[near] * MM
        base = np.column_stack([xy, (depth * weights).sum(1)]) * MM
        points = base + (moved * weights[..., None]).sum(1)
        normals = normalised((self.normals[near] * weights[..., None]).sum(1))
        return points, normals, self.triangles[near[:, 0]]


def brow_roots(along: Floats, offset: Floats, look: Look) -> Floats:
    """Roots [N, 2] in millimetres on the left brow: an arch that thins outwards."""
    arch = 34.8 + 4.9 * np.sin(np.clip(along, 0, 1) * 2.35) - 3.5 * along
    width = 2.5 * look.brow_weight * (1 - 0.70 * along**1.6) * np.minimum(1, 0.40 + along * 2.4)
    return np.stack([13.5 + 40 * along, arch + offset * width], 1)


def brow_angles(along: Floats, offset: Floats, rng: np.random.Generator) -> Floats:
    """Directions [N] in radians of hairs on the left brow: upright at the inner end, then outward.

    along, offset [N]: as of `brow_roots`.
    """
    return np.radians(
        58
        - 48 * smoothstep(0, 0.38, along)
        - 28 * smoothstep(0.5, 1, along)
        - 26 * np.clip(offset, 0, 1)
        + rng.normal(size=len(along)) * 9
    )
