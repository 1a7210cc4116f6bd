"""Short hair that grows from the skin: beards, sideburns, and scalps between the locks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from avatar.geometry.vectors import MM, Floats, Ints, axes, dot, normalised
from avatar.people.layer import Layer, layer
from avatar.people.surface import Mesh, Spots, even_spots, smooth_points

SPACING = 0.75 * MM  # between roots
LENGTH, THICKNESS, WIDTH = 4 * MM, 0.15 * MM, 0.2 * MM  # standard deviations but for the first
ALONG, OPACITY = 0.4, 0.85  # standard deviation along a hair, of its length
RISE, UNRULY = 0.3, 0.22  # of hairs from the skin; by which their directions differ
ASIDE = 0.25  # by how much hairs of a beard grow outwards while they grow down


@dataclass(frozen=True)
class Roots:
    """Where short hair grows."""

    spots: Spots
    points: Floats  # [N, 3] on the skin, resting
    normals: Floats  # [N, 3]

    def __len__(self) -> int:
        return len(self.points)


def roots_on(
    surface: Mesh, triangles: Ints, hairy: Callable[[Spots], Floats], rng: np.random.Generator
) -> Roots:
    """Roots spread evenly over some triangles [m], as closely as they are hairy: a function from
    spots to values [N] in [0, 1]."""
    spots = even_spots(surface, triangles, SPACING, rng)
    spots = spots[rng.random(len(spots)) < hairy(spots)]
    return Roots(spots, *smooth_points(surface, spots))


def downwards(points: Floats) -> Floats:
    """The directions [N, 3] in which a beard grows: down, and away from the middle."""
    return normalised(np.sign(points) * [ASIDE, 0, 0] + [0.0, -1.0, 0.0])


def risen(roots: Roots, directions: Floats, rng: np.random.Generator) -> Floats:
    """Unit vectors [N, 3] from roots to tips of unruly hairs that grow from the skin in directions
    [N, 3]."""
    unruly = directions + UNRULY * rng.normal(size=directions.shape)
    along = normalised(unruly - dot(unruly, roots.normals) * roots.normals)
    return normalised(along + RISE * roots.normals)


def short_strands(roots: Roots, along: Floats, radiance: Floats) -> Layer:
    """Gaussians of hairs along unit vectors [N, 3], bound to the skin that they grow from."""
    return layer(
        means=roots.points + along * LENGTH / 2,
        axes=axes(along, roots.normals),
        scales=(LENGTH * ALONG, THICKNESS, WIDTH),
        radiance=radiance,
        opacities=OPACITY,
        triangles=roots.spots.triangles,
    )
