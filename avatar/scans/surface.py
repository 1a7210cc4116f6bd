"""Flat Gaussians that look like a coloured surface.

A triangle is divided into n² congruent ones, and each carries a Gaussian with the triangle's own
second moments, so that neighbours overlap alike whatever the triangle's shape.
"""

import math
from dataclasses import dataclass, fields

import numpy as np
import torch

from avatar.rig import bind
from avatar.rotations import matrix_to_quaternion
from avatar.scans.coloured import ColouredMesh, Floats, Ints, Paint, colours_at
from splat import Gaussians, RawGaussians, rgb_to_sh

FINEST, COARSEST = 0.8e-3, 2.4e-3  # metres between Gaussians on busy and on plain colours
CONTRAST = 0.03  # difference of colour from one Gaussian to the next that may be seen
MOST = 200_000  # Gaussians, unless the mesh has more triangles
SPREAD = 2.1  # standard deviation, in those of an even distribution over the triangle
THICKNESS = 0.12  # of the smaller axis in the plane
THINNEST = 2e-5  # metres
OPACITY = 0.97
SMALLEST = 1e-12  # square metres: a triangle without area shows nothing


@dataclass(frozen=True)
class Cover:
    """Gaussians on a surface, local to their triangles."""

    gaussians: RawGaussians  # [N]
    binding: torch.Tensor  # [N] int64


def covers_joined(*covers: Cover) -> Cover:
    """All of several covers of one mesh."""
    gaussians = RawGaussians(
        *(torch.cat([getattr(c.gaussians, f.name) for c in covers]) for f in fields(RawGaussians))
    )
    return Cover(gaussians, torch.cat([c.binding for c in covers]))


def cover(scan: ColouredMesh, triangles: Ints, stretch: Floats) -> Cover:
    """Gaussians on the given triangles [m] of a mesh in head space, one or more on each by its size
    and detail.

    stretch [M] >= 1: how much longer a triangle gets at most when the face moves; its Gaussians
    are drawn larger so that they still meet then.
    """
    vertices, faces = scan.vertices.astype(np.float64), scan.faces
    corners = vertices[faces]  # [M, 3, 3]
    axes, sizes, areas = _flat_shapes(corners)
    shown = triangles[areas[triangles] > SMALLEST]
    divisions = _divisions(corners[shown], scan.paint, shown)
    grow = 2 * stretch / (1 + stretch)  # a triangle's frame grows by the mean of both directions
    parts = [
        _pieces(scan.paint, corners, shown[divisions == n], int(n)) for n in np.unique(divisions)
    ]
    means, colours, owners, n = (np.concatenate(part) for part in zip(*parts, strict=True))
    scales = np.maximum(sizes[owners] * (grow[owners] / n)[:, None], THINNEST)
    world = Gaussians(
        means=torch.from_numpy(means).float(),
        quats=matrix_to_quaternion(torch.from_numpy(axes[owners])).float(),
        scales=torch.from_numpy(scales).float(),
        opacities=torch.full((len(means),), OPACITY),
        sh=rgb_to_sh(torch.from_numpy(colours).float())[:, None],
    )
    binding = torch.from_numpy(owners)
    return Cover(bind(world, binding, scan.mesh.vertices, scan.mesh.faces), binding)


def _flat_shapes(corners: Floats) -> tuple[Floats, Floats, Floats]:
    """Of triangles [M, 3, 3]: the axes of their Gaussians as columns [M, 3, 3] (two in the plane
    and the normal), standard deviations [M, 3], areas [M]."""
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = np.cross(edge, other)
    double_area = np.linalg.norm(normal, axis=1)
    length = np.linalg.norm(edge, axis=1)
    x = edge / np.maximum(length, 1e-12)[:, None]
    normal = normal / np.maximum(double_area, 1e-18)[:, None]
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
    return np.stack([first, second, normal], axis=-1), sizes, double_area / 2


def _divisions(corners: Floats, paint: Paint, triangles: Ints) -> Ints:
    """Into how many parts [m] to divide each edge of triangles [m]."""
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(1)
    spacing = np.clip(CONTRAST / _busyness(paint, triangles, edges), FINEST, COARSEST)
    # Centres of n² triangles lie 1/√3 of an edge apart.
    wanted = edges / math.sqrt(3) / spacing
    while (total := (np.maximum(np.ceil(wanted), 1) ** 2).sum()) > max(MOST, len(triangles)):
        wanted = wanted * min(0.97, math.sqrt(MOST / total))
        if wanted.max() <= 1:
            break
    return np.maximum(np.ceil(wanted), 1).astype(np.int64)


def _busyness(paint: Paint, triangles: Ints, edges: Floats) -> Floats:
    """The greatest change of colour per metre [m] between neighbouring samples of triangles."""
    steps = np.clip(np.ceil(edges / COARSEST), 1, 16).astype(np.int64)
    change = np.zeros(len(triangles))
    for n in np.unique(steps):
        rows = np.flatnonzero(steps == n)
        samples = _small_triangles(int(n)).reshape(-1, 3)  # [S, 3]
        colours = _sampled(paint, triangles[rows], samples).reshape(len(rows), -1, 3, 3)
        span = colours.max(2) - colours.min(2)  # within each small triangle
        change[rows] = span.max((1, 2)) * n / edges[rows]
    return np.maximum(change, 1e-6)


def _pieces(
    paint: Paint, corners: Floats, triangles: Ints, n: int
) -> tuple[Floats, Floats, Ints, Ints]:
    """Centres, mean colours [P, 3], owners and n [P] of the n² parts of each triangle [m]."""
    small = _small_triangles(n)  # [n², 3, 3]
    centres = small.mean(1)
    mixes = np.array([[4, 1, 1], [1, 4, 1], [1, 1, 4], [2, 2, 2]]) / 6
    samples = np.einsum("sc,pck->spk", mixes, small)  # [4, n², 3]
    colours = np.mean([_sampled(paint, triangles, one) for one in samples], axis=0)
    means = np.einsum("pc,mck->mpk", centres, corners[triangles]).reshape(-1, 3)
    owners = np.repeat(triangles, n * n)
    return means, colours.reshape(-1, 3), owners, np.full(len(owners), n)


def _sampled(paint: Paint, triangles: Ints, weights: Floats) -> Floats:
    """Colours [m, S, 3] of triangles [m] at the same barycentric coordinates [S, 3] in each."""
    count = len(weights)
    everywhere = np.tile(weights, (len(triangles), 1))
    return colours_at(paint, np.repeat(triangles, count), everywhere).reshape(-1, count, 3)


def _small_triangles(n: int) -> Floats:
    """Barycentric corners [n², 3, 3] of the parts of a triangle whose edges are cut in n."""
    parts = []
    for i in range(n):
        for j in range(n - i):
            a, b, c = (i, j), (i + 1, j), (i, j + 1)
            parts.append((a, b, c))
            if i + j < n - 1:
                parts.append((b, (i + 1, j + 1), c))
    second = np.array(parts) / n  # [n², 3, 2] weights of the second and third corner
    return np.concatenate([1 - second.sum(-1, keepdims=True), second], axis=-1)
