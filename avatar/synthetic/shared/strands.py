"""Hair as strands, the scalp they grow on, and the shade they throw."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from avatar.light.fog import Fog, hair_fog
from avatar.mesh.vectors import Bools, Floats, normalised
from avatar.synthetic.shared.skin import Skin


@dataclass(frozen=True)
class Scalp:
    """A smooth version of the skin on which hair lies."""

    points: Floats  # [P, 3]
    normals: Floats  # [P, 3]
    tree: KDTree

    def above(self, places: Floats) -> tuple[Floats, Floats]:
        """Height [N] of places [N, 3] over the smoothed skin, and its normals [N, 3]."""
        distance, near = self.tree.query(places, 14)
        weights = np.exp(-((distance / (distance[:, -1:] + 1e-7) * 1.6) ** 2))
        weights /= weights.sum(1, keepdims=True)
        base = (self.points[near] * weights[..., None]).sum(1)
        normals = normalised((self.normals[near] * weights[..., None]).sum(1))
        return ((places - base) * normals).sum(1), normals


@dataclass(frozen=True)
class Strands:
    """Polylines of hair, all of the same number of pieces."""

    points: Floats  # [S, K + 1, 3]
    normals: Floats  # [S, K, 3] outwards
    widths: Floats  # [S, K] metres, standard deviation across
    tints: Floats  # [S] natural logarithm of a factor on the colour
    brightness: Floats  # [S, K] how much of its light a piece keeps
    opacities: Floats  # [S, K]; 0 past the end of a strand


def scalp(skin: Skin, kept: Bools) -> Scalp:
    """The scalp made of the kept samples [N] of the skin."""
    return Scalp(skin.points[kept], skin.normals[kept], KDTree(skin.points[kept]))


def fog_of(groups: list[Strands], strength: float) -> Fog:
    """The shade that strands throw."""
    points, areas = [], []
    for group in groups:
        pieces = np.diff(group.points, axis=1)
        length = np.linalg.norm(pieces, axis=-1)
        points.append((group.points[:, 1:] + group.points[:, :-1]).reshape(-1, 3) / 2)
        areas.append((2.5 * length * group.widths * group.opacities).ravel())
    return hair_fog(np.concatenate(points), np.concatenate(areas), strength)


def tinted(hair: Floats, tints: Floats) -> Floats:
    """Reflectance [N, 3] of hairs by that of all hair [3] and the tints [N] of theirs."""
    colours = hair * np.exp(tints)[:, None]
    return colours * (1 + np.outer(np.clip(tints, -0.5, 0.6), [0.18, 0.04, -0.12]))
