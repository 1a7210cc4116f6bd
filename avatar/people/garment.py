"""Clothes of the library."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import Delaunay, KDTree

from avatar.geometry.edges import boundary_vertices
from avatar.geometry.records import concatenated
from avatar.geometry.vectors import MM, Bools, Floats, Ints, smoothstep
from avatar.people.layer import Layer, discs
from avatar.people.library import Part, texels_at, texture
from avatar.people.shading import Studio, linear, lit_skin
from avatar.people.subject import Subject, still_neck
from avatar.people.surface import Mesh, Spots, even_spots, mesh, smooth_points

LOWEST, WIDEST = -0.27, 0.215  # metres: where the garment is cut off below and at the arms
COLLAR = -0.13  # metres: above, cloth is sampled more closely
EDGE = 1.2 * MM  # between samples at an open edge
SPACINGS = (2.4 * MM, 5.0 * MM)  # at the collar, and at the lower end
CLOTH_OVER_SKIN = 0.5 * MM
SHEETS = 4 * MM  # nearer than this two sheets that face apart are two sides of one cloth
LINING = 0.45  # share of discs that have a larger one beneath
FEWEST = 20  # samples around the end of a sleeve
HEM = 10 * MM  # of a sleeve, across whose middle its end is closed


@dataclass(frozen=True)
class Garment:
    """Clothes on one bust."""

    surface: Mesh
    sewn: Ints  # [M, 3] the same triangles, of vertices that lie in one place the first
    uv: Floats  # [M, 3, 2]
    texels: Floats  # [H, W, 4]


def garment_of(part: Part, bust: Floats, name: str) -> Garment:
    """The library's clothes of some name on a bust [B, 3]."""
    vertices = part.bound(bust)
    corners = vertices[part.faces]
    kept = (corners[..., 1].max(1) > LOWEST) & (np.abs(corners[..., 0]).min(1) < WIDEST)
    _, first, same = np.unique(vertices.round(6), axis=0, return_index=True, return_inverse=True)
    sewn = first[same.reshape(-1)][part.faces[kept]]
    surface = mesh(vertices, part.faces[kept])
    return Garment(surface, sewn, part.uv[kept], texture("clothes", name))


@dataclass(frozen=True)
class Cloth:
    """Samples of the outside of a garment."""

    spots: Spots
    points: Floats  # [N, 3]
    normals: Floats  # [N, 3]
    albedo: Floats  # [N, 3]
    within: Bools  # [N] away from open edges

    def discs(self, subject: Subject, radiance: Floats, rng: np.random.Generator) -> Layer:
        """Discs of some radiance [N, 3], and under some of them larger ones that close the gaps."""
        spacing = self.spots.spacing
        owners = subject.nearest(still_neck(subject.head, subject.skin), self.points)
        outer = self.points + self.normals * CLOTH_OVER_SKIN
        cloth = discs(outer, self.normals, spacing * 0.85, 0.18, radiance, 0.97, owners)
        some = self.within & (rng.random(len(outer)) < LINING)
        beneath = discs(
            (self.points - self.normals * MM)[some],
            self.normals[some],
            spacing[some] * 1.35,
            0.15,
            radiance[some] * 0.8,
            0.98,
            owners[some],
        )
        return concatenated([cloth, beneath, *self._ends(owners, radiance)])

    def _ends(self, owners: Ints, radiance: Floats) -> Iterator[Layer]:
        """What closes the sleeves where they are cut off."""
        for side in (-1.0, 1.0):
            rim = np.flatnonzero(side * self.points[:, 0] > WIDEST - HEM)
            if len(rim) < FEWEST:
                continue
            grid = _within_hull(self.points[rim, 1:])
            ends = np.column_stack([np.full(len(grid), side * (WIDEST - HEM / 2)), grid])
            near = rim[KDTree(self.points[rim]).query(ends)[1]]
            normals = np.broadcast_to([side, 0.0, 0.0], ends.shape)
            radii, colour = np.full(len(ends), SPACINGS[1]), np.median(radiance[rim], axis=0)
            lit = np.broadcast_to(colour, ends.shape)
            yield discs(ends, normals, radii, 0.15, lit, 0.98, owners[near])


def _within_hull(rim: Floats) -> Floats:
    """A grid [P, 2] of points within the convex hull of others [N, 2]."""
    ranges = zip(rim.min(0), rim.max(0), strict=True)
    grid = np.meshgrid(*(np.arange(low, high, SPACINGS[1]) for low, high in ranges))
    points = np.stack(grid, -1).reshape(-1, 2)
    return points[Delaunay(rim).find_simplex(points) >= 0]


def garment_layer(studio: Studio, garment: Garment, colour: ArrayLike | None) -> Layer:
    """A garment in the studio's light.

    colour [3]: mean sRGB of the cloth, of which the picture then gives light and dark alone.
    """
    cloth = cloth_of(studio, garment)
    albedo = cloth.albedo
    if colour is not None:
        luminance = albedo @ [0.3, 0.6, 0.1]
        albedo = linear(colour) * np.clip(luminance / luminance.mean(), 0, 4)[:, None]
    visible = studio.light.at_rest(cloth.points, 3 * MM)
    radiance = lit_skin(cloth.normals, visible, albedo + 0.004, 0.2, 0.15, 8.0)
    return cloth.discs(studio.subject, radiance, studio.rng)


def cloth_of(studio: Studio, garment: Garment) -> Cloth:
    """Samples of a garment where its picture is opaque."""
    surface = garment.surface
    near = smoothstep(LOWEST, COLLAR, surface.vertices[:, 1])
    edge = boundary_vertices(garment.sewn, len(surface.vertices)) & (near > 0.5)
    spacing = np.where(edge, EDGE, SPACINGS[1] + (SPACINGS[0] - SPACINGS[1]) * near)
    spots = even_spots(surface, np.arange(len(surface.faces)), spacing, studio.rng)
    points, normals = smooth_points(surface, spots)
    uv = np.einsum("nc,ncx->nx", spots.weights, garment.uv[spots.triangles])
    colours = texels_at(garment.texels, uv)
    bust = (points[:, 1] > LOWEST) & (np.abs(points[:, 0]) < WIDEST)
    kept = np.flatnonzero(bust & (colours[:, 3] > 0.4))
    sky = studio.light.at_rest(points[kept], 2 * MM).mean(1)
    kept = kept[_outside(points[kept], normals[kept], sky)]
    within = np.logical_not(edge[surface.faces[spots.triangles[kept]]].any(1))
    return Cloth(spots[kept], points[kept], normals[kept], linear(255 * colours[kept, :3]), within)


def _outside(points: Floats, normals: Floats, sky: Floats) -> Bools:
    """Which samples [N] of cloth are on its outside: of two close sheets that face apart, the one
    that sees more of the sky [N]."""
    distance, near = KDTree(points).query(points, 24, distance_upper_bound=SHEETS)
    known = np.isfinite(distance)
    near = np.where(known, near, 0)
    apart = known & ((normals[near] * normals[:, None]).sum(2) < -0.2)
    inside = (apart & (sky[near] > sky[:, None])).any(1)
    return ~inside & (sky > 0.01)
