"""Smooth triangle meshes and samples on them; even ones by dart throwing (Cook 1986)."""

from dataclasses import dataclass

import numpy as np
import torch

from avatar.geometry.triangle_mesh import face_areas, point_normals
from avatar.geometry.vectors import Bools, Floats, Ints, disc_axes, dot, normalised
from avatar.rigging.binding import triangle_frames
from common.kernels import cached_njit, plain_njit

ROUNDING = 0.65  # share of Phong tessellation: hides the coarse mesh on the silhouette


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh with smooth normals."""

    vertices: Floats  # [V, 3] metres
    faces: Ints  # [M, 3]
    normals: Floats  # [V, 3]


@dataclass(frozen=True)
class Spots:
    """Samples on a mesh by barycentric coordinates, which follow it when it changes shape."""

    triangles: Ints  # [N]
    weights: Floats  # [N, 3] barycentric
    spacing: Floats  # [N] metres to the neighbours

    def __len__(self) -> int:
        return len(self.triangles)

    def __getitem__(self, chosen: np.ndarray) -> "Spots":
        return Spots(self.triangles[chosen], self.weights[chosen], self.spacing[chosen])


def mesh(vertices: Floats, faces: Ints) -> Mesh:
    """A mesh with area-weighted vertex normals."""
    return Mesh(vertices, faces, point_normals(vertices, faces))


def at_spots(values: Floats, faces: Ints, spots: Spots) -> Floats:
    """Per-vertex values [V, ...] interpolated to spots [N, ...]."""
    corners = values[faces[spots.triangles]]  # [N, 3, ...]
    return np.einsum("nc,nc...->n...", spots.weights, corners)


def smooth_points(surface: Mesh, spots: Spots) -> tuple[Floats, Floats]:
    """Points and unit normals [N, 3] at spots on the rounded surface."""
    corners = surface.faces[spots.triangles]
    return rounded_points(surface.vertices, surface.normals, corners, spots.weights)


def rounded_points(
    vertices: Floats, normals: Floats, corners: Ints, weights: Floats, rounding: float = ROUNDING
) -> tuple[Floats, Floats]:
    """Points and unit normals [P, 3] by Phong tessellation (Boubekeur and Alexa 2008).

    vertices, normals [V, 3] of the coarse mesh; corners [P, 3] vertices of each point's triangle;
    weights [P, 3]; rounding: share of the way from the flat triangle to the bulged one. Corners
    stay where they are.
    """
    flat, turned = (np.einsum("pc,pcx->px", weights, each[corners]) for each in (vertices, normals))
    bulge = np.zeros_like(flat)
    for weight, corner in zip(weights.T, corners.T, strict=True):
        lift = dot(flat - vertices[corner], normals[corner])
        bulge += weight[:, None] * (flat - lift * normals[corner])
    return flat + rounding * (bulge - flat), normalised(turned)


def skinned(source: Mesh, target: Mesh, triangles: Ints) -> tuple[Floats, Floats, Floats]:
    """How triangles [N] turn and grow from one shape of a mesh to another.

    Returns turns [N, 3, 3], growth [N] and both origins [N, 2, 3].
    """
    before, after = (
        triangle_frames(torch.from_numpy(shape.vertices), torch.from_numpy(shape.faces))
        for shape in (source, target)
    )
    turns = after.R_world_tri @ before.R_world_tri.transpose(-1, -2)
    origins = torch.stack([before.origins_world, after.origins_world], dim=1)
    growth = after.scales / before.scales
    return turns.numpy()[triangles], growth.numpy()[triangles], origins.numpy()[triangles]


def skinned_discs(source: Mesh, target: Mesh, spots: Spots) -> tuple[Floats, Floats, Floats]:
    """Discs on one rounded shape of a mesh at spots [N], skinned to another shape.

    Returns their centres [N, 3], axes [N, 3, 3] and growth [N].
    """
    points, normals = smooth_points(source, spots)
    turns, growth, origins = skinned(source, target, spots.triangles)
    from_origin = np.einsum("nij,nj->ni", turns, points - origins[:, 0]) * growth[:, None]
    return origins[:, 1] + from_origin, turns @ disc_axes(normals), growth


DARTS_PER_SPOT = 8
SAME_SIDE = 0.2  # two darts compete only where their normals agree, or thin lids get holes


def even_spots(
    surface: Mesh,
    triangles: Ints,
    spacing: Floats | float,
    rng: np.random.Generator,
    darts_per_spot: float = DARTS_PER_SPOT,
) -> Spots:
    """Blue-noise spots on triangles [m]; spacing in metres, per vertex [V] or the same for all.
    More darts leave fewer gaps."""
    spacing = np.broadcast_to(spacing, len(surface.vertices))
    faces = surface.faces[triangles]
    wanted = face_areas(surface.vertices, faces) / spacing[faces].mean(1) ** 2
    count = int(wanted.sum() * darts_per_spot)
    pick = rng.choice(len(triangles), count, p=wanted / wanted.sum())
    weights = barycentric(count, rng)
    darts = Spots(triangles[pick], weights, (spacing[faces[pick]] * weights).sum(1))
    points = at_spots(surface.vertices, surface.faces, darts)
    normals = normalised(at_spots(surface.normals, surface.faces, darts))
    return darts[thin_out(points, normals, darts.spacing, darts.spacing, SAME_SIDE)]


def barycentric(count: int, rng: np.random.Generator) -> Floats:
    """Uniform barycentric coordinates [count, 3]."""
    pair = rng.random((count, 2))
    outside = pair.sum(1) > 1
    pair[outside] = 1 - pair[outside]
    return np.column_stack([1 - pair.sum(1), pair])


def thin_out(
    points: Floats, axes: Floats, length: Floats, width: Floats, same_side: float
) -> Bools:
    """A mask [N] of points of which none lies in another's ellipsoid of half axes [N], `length`
    along its axis and `width` across, unless their axes' cosine is at most `same_side`. Of two
    points the shorter half axes count."""
    own = np.maximum(length, width)
    cell = np.sqrt(own.min() * own.max())
    cells, reach = np.floor(points / cell).astype(np.int64), np.ceil(own / cell).astype(np.int64)
    return _keep_apart(points, axes, length, width, same_side, cells, reach)


@cached_njit()
def _keep_apart(
    points, axes, length, width, same_side, cells, reach
):  # pragma: no cover (compiled)
    """See above; cells [N, 3] and how many of them the longer half axis of each point reaches."""
    slots = 1
    while 4 * slots < len(points):
        slots *= 2
    first = -np.ones(slots, np.int32)  # the last point kept in the cells of each hash
    following = -np.ones(len(points), np.int32)
    keep = np.zeros(len(points), np.bool_)
    for i in range(len(points)):
        if _is_free(
            i, points, axes, length, width, same_side, cells[i], reach[i], first, following
        ):
            home = _hash(cells[i, 0], cells[i, 1], cells[i, 2]) & (slots - 1)
            following[i] = first[home]
            first[home] = i
            keep[i] = True
    return keep


@plain_njit()
def _is_free(i, points, axes, length, width, same_side, cell, reach, first, following):
    most = max(length[i], width[i]) ** 2
    for x in range(cell[0] - reach, cell[0] + reach + 1):
        for y in range(cell[1] - reach, cell[1] + reach + 1):
            for z in range(cell[2] - reach, cell[2] + reach + 1):
                j = first[_hash(x, y, z) & (len(first) - 1)]
                while j >= 0:
                    square, along, cosine = 0.0, 0.0, 0.0  # whole rows would be allocated
                    for k in range(3):
                        gap = points[i, k] - points[j, k]
                        square += gap * gap
                        along += gap * axes[i, k]
                        cosine += axes[i, k] * axes[j, k]
                    if square < most and cosine > same_side:
                        apart = along * along / min(length[i], length[j]) ** 2
                        apart += (square - along * along) / min(width[i], width[j]) ** 2
                        if apart < 1:
                            return False
                    j = following[j]
    return True


@plain_njit()
def _hash(x, y, z):
    """Of a cell (Teschner et al. 2003)."""
    return (x * 73856093) ^ (y * 19349663) ^ (z * 83492791)
