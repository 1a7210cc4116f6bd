"""Which triangle of a mesh is seen in each pixel, and where on it: a z-buffer in Numba.

Nearness is what a z-buffer keeps: it grows towards the viewer and is linear over the picture, 1/z
for a pinhole camera and metres towards a viewer who is far away. Triangles are drawn from both
sides; one that reaches behind the NEAR plane is left out as a whole. With it go the projection of
points by a pinhole camera, and which triangles of a mesh can be seen from outside.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from avatar.geometry.triangle_mesh import area_normals
from avatar.geometry.vectors import Bools, Floats, Ints, normalised
from common.kernels import cached_njit
from common.parallel import spread
from splat import Camera


def project(camera: Camera, points: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels [P, 2] and depths [P] in metres of world points [P, 3]; a point that is not in front
    of the camera has a depth of 0 or less, and no meaningful pixel."""
    local = points @ camera.viewmat[:3, :3].to(points).T + camera.viewmat[:3, 3].to(points)
    depths = local[:, 2]
    return (local @ camera.K.to(points).T)[:, :2] / depths.clamp(min=1e-6)[:, None], depths


def camera_centre(camera: Camera) -> Tensor:
    """The position [3] of the camera in the world."""
    return -camera.viewmat[:3, 3] @ camera.viewmat[:3, :3]


def towards(camera: Camera, points: Tensor) -> Tensor:
    """Unit vectors [P, 3] from world points [P, 3] to the camera."""
    return functional.normalize(camera_centre(camera).to(points) - points, dim=-1)


NEAR = 0.01  # metres in front of the camera
NOTHING = -1


@dataclass(frozen=True)
class Fragments:
    """What is seen in each pixel."""

    faces: Ints  # [H, W] int32 row of the triangle, or NOTHING
    nearness: Floats  # [H, W] float32, that of the background where nothing is seen


def project_samples(camera: Camera, vertices: Floats, samples: int = 1) -> Floats:
    """Picture positions and nearness [V, 3] float64 of world vertices [V, 3].

    samples: how many samples a pixel has in a row; x and y count in samples. Nearness is 1/z in
    1/metres, 0 for vertices behind the NEAR plane.
    """
    pixels, depths = project(camera, torch.from_numpy(vertices).double())
    nearness = torch.where(depths > NEAR, 1 / depths, 0.0)
    return torch.cat([pixels * samples, nearness[:, None]], dim=1).numpy()


def parallel_axes(directions: Floats) -> Floats:
    """Axes [D, 3, 3] of pictures from far away, as rows: right, up and the unit vectors [D, 3]
    towards the viewer, none of which is straight up or down."""
    x, _, z = directions.T
    right = normalised(np.stack([z, 0 * x, -x], 1))
    return np.stack([right, np.cross(directions, right), directions], axis=1)


def project_parallel(axes: Floats, vertices: Floats, half_width: float, size: int) -> Floats:
    """Picture positions and nearness [V, 3] of vertices [V, 3] seen from far away, along one of
    `parallel_axes` [3, 3], in a square of size² pixels that reaches half_width metres around the
    origin; rows count upwards."""
    scale = size / (2 * half_width)
    return vertices @ axes.T * [scale, scale, 1.0] + [size / 2, size / 2, 0.0]


class Cut(NamedTuple):
    """Pictures on triangles, clear texels of which are holes."""

    uv: Floats  # [M, 3, 2] of the corners; v points up
    sizes: Ints  # [M, 3] first texel, height and width of each triangle's picture
    opaque: Bools  # [X] texels


WHOLE = Cut(np.empty((0, 3, 2)), np.empty((0, 3), np.int32), np.empty(0, bool))


def rasterize(
    projected: Floats,
    faces: Ints,
    height: int,
    width: int,
    background: float = 0.0,
    cut: Cut = WHOLE,
) -> Fragments:
    """The nearest of triangles [M, 3] at the centre of each pixel; of equally near ones the first.

    projected [V, 3]: as from `project_samples` or `project_parallel`; background: the nearness
    that only nearer triangles are seen before, -inf for what has no limit; cut: holes, only for
    `project_samples`.
    """
    seen = np.full((height, width), NOTHING, np.int32)
    nearness = np.full((height, width), background, np.float32)
    _fill(projected, faces, background, seen, nearness, *cut)
    return Fragments(seen, nearness)


@cached_njit(inline="always")
def texel_at(uv, size, b, c):  # pragma: no cover (compiled)
    """The texel at weights b and c of the second and third corner of a triangle, whose corners are
    at uv [3, 2] of a picture of size [3]."""
    u = uv[0, 0] + b * (uv[1, 0] - uv[0, 0]) + c * (uv[2, 0] - uv[0, 0])
    v = uv[0, 1] + b * (uv[1, 1] - uv[0, 1]) + c * (uv[2, 1] - uv[0, 1])
    row = min(int((1 - (v - math.floor(v))) * size[1]), size[1] - 1)
    column = min(int((u - math.floor(u)) * size[2]), size[2] - 1)
    return size[0] + row * size[2] + column


@cached_njit()
def _fill(
    projected, faces, background, seen, nearness, uv, sizes, opaque
):  # pragma: no cover (compiled)
    height, width = seen.shape
    whole = len(uv) == 0
    for f in range(len(faces)):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, a = projected[i, 0], projected[i, 1], projected[i, 2]
        bx, by, b = projected[j, 0], projected[j, 1], projected[j, 2]
        cx, cy, c = projected[k, 0], projected[k, 1], projected[k, 2]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0.0 or min(a, b, c) <= background:
            continue
        first_row = max(0, math.ceil(min(ay, by, cy) - 0.5))
        last_row = min(height - 1, math.floor(max(ay, by, cy) - 0.5))
        first_column = max(0, math.ceil(min(ax, bx, cx) - 0.5))
        last_column = min(width - 1, math.floor(max(ax, bx, cx) - 0.5))
        b_right, b_down = (cy - ay) / area, (ax - cx) / area
        c_right, c_down = (ay - by) / area, (bx - ax) / area
        for row in range(first_row, last_row + 1):
            right, down = first_column + 0.5 - ax, row + 0.5 - ay
            to_b = right * b_right + down * b_down
            to_c = right * c_right + down * c_down
            for column in range(first_column, last_column + 1):
                if to_b >= 0.0 and to_c >= 0.0 and to_b + to_c <= 1.0:
                    near = np.float32(a + to_b * (b - a) + to_c * (c - a))
                    if near > nearness[row, column] and (
                        whole or opaque[texel_at(uv[f], sizes[f], to_b * b / near, to_c * c / near)]
                    ):
                        nearness[row, column] = near
                        seen[row, column] = f
                to_b += b_right
                to_c += c_right


@cached_njit(inline="always")
def corner_weights(projected, i, j, k, column, row):  # pragma: no cover (compiled)
    """Perspective-correct weights of the corners i, j, k at a position of the picture."""
    ax, ay, a = projected[i, 0], projected[i, 1], projected[i, 2]
    bx, by, b = projected[j, 0], projected[j, 1], projected[j, 2]
    cx, cy, c = projected[k, 0], projected[k, 1], projected[k, 2]
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    to_b = ((column - ax) * (cy - ay) - (cx - ax) * (row - ay)) / area
    to_c = ((bx - ax) * (row - ay) - (column - ax) * (by - ay)) / area
    to_a, to_b, to_c = (1 - to_b - to_c) * a, to_b * b, to_c * c
    total = to_a + to_b + to_c
    return to_a / total, to_b / total, to_c / total


VIEWS = 40
PIXELS = 400  # width of a view in pixels
RIM = 2  # pixels around the mesh
THICKNESS = 1.5  # pixels: what is less than this behind the first surface still counts as seen
LOWEST = -0.6  # sine of the lowest elevation of a view: from beneath one sees into the neck
GOLDEN_ANGLE = 2.399963229728653  # radians, π (3 - √5)


def seen_faces(vertices: Floats, faces: Ints, lowest: float = LOWEST) -> Bools:
    """[M] true for the triangles whose centre and front are seen from somewhere around and above.

    Hidden are the inside of a closed mouth, the back of eyeballs, their sockets, and inner shells.
    lowest: the sine of the lowest elevation of a view, -1 where it is unknown what is up.
    """
    centred = vertices - (vertices.max(0) + vertices.min(0)) / 2
    radius = float(np.linalg.norm(centred, axis=1).max())
    if not radius > 0:
        return np.zeros(len(faces), bool)
    half_width = radius * (PIXELS / 2) / (PIXELS / 2 - RIM)
    pixel = 2 * half_width / PIXELS
    centres, normals = centred[faces].mean(1), area_normals(vertices, faces)
    seen = np.zeros(len(faces), bool)

    def seen_along(axes: Floats) -> Ints:
        corners = project_parallel(axes, centred, half_width, PIXELS)
        nearest = rasterize(corners, faces, PIXELS, PIXELS, -np.inf).nearness
        facing = np.flatnonzero(~seen & (normals @ axes[2] > 0))
        columns, rows, near = project_parallel(axes, centres[facing], half_width, PIXELS).T
        first = nearest[rows.astype(int), columns.astype(int)]
        return facing[first <= near + THICKNESS * pixel]

    height = np.linspace(1.0, lowest, VIEWS, endpoint=False) + (lowest - 1.0) / (2 * VIEWS)
    angle, ring = GOLDEN_ANGLE * np.arange(VIEWS), np.cos(np.arcsin(height))
    viewers = np.stack([ring * np.sin(angle), height, ring * np.cos(angle)], axis=1)  # even
    for found in spread(seen_along, parallel_axes(viewers)):
        seen[found] = True
    return seen
