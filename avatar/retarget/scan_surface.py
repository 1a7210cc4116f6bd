"""Flat Gaussians that look like a coloured surface, and daylight for a mesh without colours.

A triangle is halved across its longest edge until its pieces are small enough, and each piece gets
a Gaussian with the piece's own second moments: whatever the shapes, neighbours overlap.

A mesh without colours is shaded as plaster: light comes from all around, most of it from above and
in front, with shadows and ambient occlusion by a depth map towards each direction.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from avatar.geometry.coloured import ColouredMesh, Paint, colours_at, to_linear, to_srgb
from avatar.geometry.records import concatenated
from avatar.geometry.rotations import matrix_to_quaternion
from avatar.geometry.triangle_mesh import face_areas, point_normals
from avatar.geometry.vectors import Bools, Floats, Ints, normalised, sphere_directions
from avatar.geometry.zbuffer import parallel_axes, project_parallel, rasterize
from avatar.rigging.binding import bind
from common.parallel import spread
from splat import Gaussians, RawGaussians, rgb_to_sh

FINEST, COARSEST = 1.4e-3, 4.2e-3  # metres: longest edge of a piece on busy and on plain colours
CONTRAST = 0.05  # greatest difference of colour within a piece
MOST = 200_000  # Gaussians, unless the mesh has more triangles
HALVINGS = 24
SPREAD = 2.4  # standard deviation, in those of an even distribution over the piece
THICKNESS = 0.12  # of the smaller axis in the plane
THINNEST = 2e-5  # metres
OPACITY = 0.97
SMALLEST = 1e-12  # square metres: a triangle without area shows nothing
# Barycentric coordinates in a piece at which its colour is sampled.
_SAMPLES = np.array([[4, 1, 1], [1, 4, 1], [1, 1, 4], [2, 2, 2]]) / 6


@dataclass(frozen=True)
class Cover:
    """Gaussians on a surface, local to their triangles."""

    gaussians: RawGaussians  # [N]
    binding: torch.Tensor  # [N] int64


@dataclass(frozen=True)
class Pieces:
    """Parts of triangles."""

    owners: Ints  # [P] the triangle of each
    weights: Floats  # [P, 3, 3] barycentric coordinates of its corners there


def cover(scan: ColouredMesh, triangles: Ints, stretch: Floats) -> Cover:
    """Gaussians on the given triangles [m] of a mesh in head space, one or more on each by its size
    and detail.

    stretch [M] >= 1: how much longer a triangle gets at most when the face moves; its Gaussians
    are drawn larger so that they still meet then.
    """
    corners = scan.vertices.astype(np.float64)[scan.faces]  # [M, 3, 3]
    areas = face_areas(scan.vertices.astype(np.float64), scan.faces)
    visible = triangles[areas[triangles] > SMALLEST]
    pieces = _enough_pieces(corners, scan.paint, visible)
    grow = 2 * stretch / (1 + stretch)  # a triangle's frame grows by the mean of both directions
    points = pieces.weights @ corners[pieces.owners]
    axes, sizes = _flat_shapes(points)
    scales = np.maximum(sizes * grow[pieces.owners, None], THINNEST)
    colours = _sampled(scan.paint, pieces).mean(1)
    world = Gaussians(
        means=torch.from_numpy(points.mean(1)).float(),
        quats=matrix_to_quaternion(torch.from_numpy(axes)).float(),
        scales=torch.from_numpy(scales).float(),
        opacities=torch.full((len(points),), OPACITY),
        sh=rgb_to_sh(torch.from_numpy(colours).float())[:, None],
    )
    binding = torch.from_numpy(pieces.owners)
    return Cover(bind(world, binding, scan.mesh.vertices, scan.mesh.faces), binding)


def halved(corners: Floats, triangles: Ints, longest: Floats) -> Pieces:
    """Pieces of triangles [m] among corners [M, 3, 3] with no edge longer than `longest` [m]."""
    owners, limit = triangles, longest
    weights = np.tile(np.eye(3), (len(triangles), 1, 1))
    done: list[Pieces] = []
    for _ in range(HALVINGS):
        points = weights @ corners[owners]
        lengths = np.linalg.norm(points - np.roll(points, -1, axis=1), axis=-1)  # edges 01, 12, 20
        small = lengths.max(1) <= limit
        done.append(Pieces(owners[small], weights[small]))
        if small.all():
            break
        edge, owners, limit = lengths[~small].argmax(1), owners[~small], limit[~small]
        order = (edge[:, None] + np.arange(3)) % 3  # the longest edge comes first
        a, b, c = np.take_along_axis(weights[~small], order[..., None], axis=1).swapaxes(0, 1)
        middle = (a + b) / 2
        weights = np.concatenate([np.stack([a, middle, c], 1), np.stack([middle, b, c], 1)])
        owners, limit = np.tile(owners, 2), np.tile(limit, 2)
    return concatenated(done)


def _enough_pieces(corners: Floats, paint: Paint, triangles: Ints) -> Pieces:
    """Pieces small enough for the colours, and no more of them than MOST or the triangles."""
    coarse = halved(corners, triangles, np.full(len(triangles), COARSEST))
    change = np.zeros(len(corners))
    np.maximum.at(change, coarse.owners, _busyness(corners, paint, coarse))
    longest = np.clip(CONTRAST / np.maximum(change, 1e-6), FINEST, COARSEST)[triangles]
    pieces = halved(corners, triangles, longest)
    while len(pieces.owners) > (most := max(MOST, 1.05 * len(triangles))):
        longest = longest * max(1.05, math.sqrt(len(pieces.owners) / most))
        pieces = halved(corners, triangles, longest)
    return pieces


def _busyness(corners: Floats, paint: Paint, pieces: Pieces) -> Floats:
    """The change of colour per metre [P] between samples of each piece."""
    points = pieces.weights @ corners[pieces.owners]
    length = np.linalg.norm(points - np.roll(points, -1, axis=1), axis=-1).max(1)
    return np.ptp(_sampled(paint, pieces), axis=1).max(1) * 2 / length


def _sampled(paint: Paint, pieces: Pieces) -> Floats:
    """Colours [P, S, 3] at a few points of each piece."""
    weights = _SAMPLES @ pieces.weights  # [P, S, 3]
    owners = np.repeat(pieces.owners, len(_SAMPLES))
    return colours_at(paint, owners, weights.reshape(-1, 3)).reshape(len(weights), -1, 3)


def _flat_shapes(corners: Floats) -> tuple[Floats, Floats]:
    """The Gaussians of triangles [P, 3, 3]: their axes as columns [P, 3, 3] (two in the plane and
    the normal) and standard deviations [P, 3]."""
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = np.cross(edge, other)
    length = np.linalg.norm(edge, axis=1)
    x = edge / np.maximum(length, 1e-12)[:, None]
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1), 1e-18)[:, None]
    y = np.cross(normal, x)
    along, height = (other * x).sum(1), (other * y).sum(1)
    # Second moments of an even distribution over the corners (0, 0), (length, 0), (along, height).
    xx = (length**2 - length * along + along**2) / 18
    xy = height * (2 * along - length) / 36
    yy = height**2 / 18
    turn = 0.5 * np.arctan2(2 * xy, xx - yy)[:, None]
    first, second = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    middle, reach = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    flat = np.sqrt(np.stack([middle + reach, np.maximum(middle - reach, 0)], axis=1)) * SPREAD
    sizes = np.concatenate([flat, flat[:, 1:] * THICKNESS], axis=1)
    return np.stack([first, second, normal], axis=-1), sizes


FEW = 8  # colours of materials that still are no picture of a face
HUE = 0.02  # difference between red, green and blue that counts as grey
DIRECTIONS = 96
PIXELS = 512  # width of a depth map
SHADOW_BIAS = 1.5  # pixels by which a surface must be in front to keep light off
KEY = normalised(np.array([0.45, 0.75, 0.7]))  # where most of the light comes from
SKY, GROUND, LAMP, WIDTH = 0.4, 0.06, 3.0, 8.0  # radiances, and how narrow the lamp is
BOUNCED = 0.06  # of the light, from the head's own skin, where none gets in


def is_plain(paint: Paint) -> bool:
    """Whether a mesh has no texture and no colours but a few of whole materials."""
    if (paint.texture >= 0).any():
        return False
    whole = (paint.rgb * 255).astype(np.int64) @ [1, 256, 65536]  # [M, 3]
    return bool((whole == whole[:, :1]).all()) and len(np.unique(whole[:, 0])) <= FEW


def is_grey(paint: Paint) -> bool:
    """Whether a plain mesh has no hue either."""
    return is_plain(paint) and bool(np.ptp(paint.rgb, axis=-1).max() < HUE)


def shaded(scan: ColouredMesh) -> ColouredMesh:
    """A mesh in head space with the light that falls on it in its colours."""
    light = daylight(scan.vertices.astype(np.float64), scan.faces)[scan.faces]  # [M, 3]
    rgb = to_srgb(np.clip(to_linear(scan.paint.rgb) * light[..., None], 0, 1))
    return replace(scan, paint=replace(scan.paint, rgb=rgb))


def daylight(vertices: Floats, faces: Ints) -> Floats:
    """Light [V] that falls on vertices [V, 3] of a mesh: 1 on open skin that faces the lamp."""
    directions = sphere_directions(DIRECTIONS)
    sky = GROUND + (SKY - GROUND) * (1 + directions[:, 1]) / 2
    radiance = sky + LAMP * np.exp(WIDTH * (directions @ KEY - 1))  # [D]
    normals = point_normals(vertices, faces)
    centred = vertices - (vertices.max(0) + vertices.min(0)) / 2
    half_width = 1.02 * float(np.linalg.norm(centred, axis=1).max())

    def lit_from(direction: tuple[Floats, float]) -> tuple[Ints, Floats]:
        axes, strength = direction
        cosine = normals @ axes[2]
        lit = np.flatnonzero(cosine > 0)
        return lit, strength * cosine[lit] * _seen(centred, faces, normals, axes, half_width, lit)

    light = np.zeros(len(vertices))
    for lit, gained in spread(lit_from, zip(parallel_axes(directions), radiance, strict=True)):
        light[lit] += gained
    most = radiance @ np.maximum(directions @ KEY, 0)
    return BOUNCED + (1 - BOUNCED) * light / most


def _seen(
    vertices: Floats, faces: Ints, normals: Floats, axes: Floats, half_width: float, index: Ints
) -> Bools:
    """Whether light from one direction reaches some vertices [P] of a mesh around the origin."""
    reach = SHADOW_BIAS * 2 * half_width / PIXELS
    corners = project_parallel(axes, vertices, half_width, PIXELS)
    nearest = rasterize(corners, faces, PIXELS, PIXELS, -np.inf).nearness
    above = vertices[index] + reach * normals[index]
    columns, rows, near = project_parallel(axes, above, half_width, PIXELS).T
    pixel = np.clip([rows, columns], 0, PIXELS - 1).astype(int)
    return nearest[tuple(pixel)] <= near + reach
