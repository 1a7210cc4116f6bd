"""Hair as strands: the scalp they grow on, the shade they cast, and their Gaussians."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Bools, Floats, axes, normalised
from avatar.lighting.occlusion import Fog, hair_fog
from avatar.people.layer import Layer, layer
from avatar.people.shading import Studio, linear, lit_hair
from avatar.people.skin import Skin
from avatar.people.subject import still_triangles


@dataclass(frozen=True)
class Scalp:
    """A smooth version of the skin on which hair lies."""

    points: Floats  # [P, 3]
    normals: Floats  # [P, 3]
    tree: KDTree

    def above(self, points: Floats) -> tuple[Floats, Floats]:
        """Height [N] of points [N, 3] over the smoothed skin, and its normals [N, 3]."""
        distance, near = self.tree.query(points, 14)
        weights = np.exp(-((distance / (distance[:, -1:] + 1e-7) * 1.6) ** 2))
        weights /= weights.sum(1, keepdims=True)
        base = (self.points[near] * weights[..., None]).sum(1)
        normals = normalised((self.normals[near] * weights[..., None]).sum(1))
        return ((points - base) * normals).sum(1), normals


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
    """The fog that stands for strands where they take light away."""
    points, areas = [], []
    for group in groups:
        pieces = np.diff(group.points, axis=1)
        length = np.linalg.norm(pieces, axis=-1)
        points.append((group.points[:, 1:] + group.points[:, :-1]).reshape(-1, 3) / 2)
        areas.append((2.5 * length * group.widths * group.opacities).ravel())
    return hair_fog(np.concatenate(points), np.concatenate(areas), strength)


def tinted(hair: Floats, tints: Floats) -> Floats:
    """Reflectance [N, 3] of hairs: that of all hair [3], changed by the tints [N] of each."""
    colours = hair * np.exp(tints)[:, None]
    return colours * (1 + np.outer(np.clip(tints, -0.5, 0.6), [0.18, 0.04, -0.12]))


AMBIENT = 0.10  # light that scatters between hairs and never dies
OVERLAP = 0.52  # standard deviation along a piece, of its length
FLATNESS = 0.5  # of a strand's thickness against its width
LOBES = (0.16, 1.3)  # strengths of the highlights


def strand_layer(studio: Studio, strands: Strands, colour: ArrayLike) -> Layer:
    """The Gaussians of strands; a strand follows the still triangle nearest its root."""
    pieces = np.diff(strands.points, axis=1)  # [S, K, 3]
    alive = (strands.opacities > 0.03).ravel()

    def flat(values: Floats) -> Floats:
        return values.reshape(alive.size, *values.shape[2:])[alive]

    middles = flat((strands.points[:, 1:] + strands.points[:, :-1]) / 2)
    along, normals = flat(pieces), flat(strands.normals)
    length = np.linalg.norm(along, axis=1)
    tints = np.repeat(strands.tints, pieces.shape[1])[alive]
    albedo = tinted(linear(colour), tints)
    visible = studio.light.at_rest(middles, 10 * MM, skip=4 * MM)
    tangents = normalised(along)
    radiance = lit_hair(middles, tangents, normals, visible, albedo, LOBES) + AMBIENT * albedo
    flicker = np.clip(1 + 0.10 * studio.rng.normal(size=len(middles)), 0.5, 1.6)
    radiance *= (flat(strands.brightness) * flicker)[:, None]
    width = flat(strands.widths)
    owners = studio.subject.nearest(still_triangles(studio.subject), strands.points[:, 0])
    return layer(
        means=middles,
        axes=axes(tangents, normals),
        scales=(length * OVERLAP, width * FLATNESS, width),
        radiance=radiance,
        opacities=flat(strands.opacities),
        triangles=np.repeat(owners, pieces.shape[1])[alive],
    )
