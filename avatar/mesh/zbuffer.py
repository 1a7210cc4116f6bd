"""Which triangle of a mesh is seen in each pixel, and where on it: a z-buffer in Numba.

Nearness is what a z-buffer keeps: it grows towards the viewer and is linear over the picture, 1/z
for a pinhole camera and metres towards a viewer who is far away. Triangles are drawn from both
sides; one that reaches behind the NEAR plane is left out as a whole.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from avatar.mesh.pinhole import project
from avatar.mesh.vectors import Floats, Ints, normalised
from common.kernels import cached_njit
from splat import Camera

NEAR = 0.01  # metres in front of the camera
NOTHING = -1


@dataclass(frozen=True)
class Fragments:
    """What is seen in each pixel."""

    faces: Ints  # [H, W] int32 row of the triangle, or NOTHING
    nearness: Floats  # [H, W] float32, that of the background where nothing is seen


def project_samples(camera: Camera, vertices: Floats, samples: int = 1) -> Floats:
    """Picture places and nearness [V, 3] float64 of world vertices [V, 3].

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
    """Picture places and nearness [V, 3] of vertices [V, 3] as seen from far away, along one of
    `parallel_axes` [3, 3], in a square of size² pixels that reaches half_width metres around the
    origin; rows count upwards."""
    scale = size / (2 * half_width)
    return vertices @ axes.T * [scale, scale, 1.0] + [size / 2, size / 2, 0.0]


def rasterize(
    projected: Floats, faces: Ints, height: int, width: int, background: float = 0.0
) -> Fragments:
    """The nearest of triangles [M, 3] at the centre of each pixel; of equally near ones the first.

    projected [V, 3]: as from `project_samples` or `project_parallel`; background: the nearness
    that only nearer triangles are seen before, -inf for what has no limit.
    """
    seen = np.full((height, width), NOTHING, np.int32)
    nearness = np.full((height, width), background, np.float32)
    _fill(projected, faces, background, seen, nearness)
    return Fragments(seen, nearness)


@cached_njit()
def _fill(projected, faces, background, seen, nearness):  # pragma: no cover (compiled)
    height, width = seen.shape
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
                    if near > nearness[row, column]:
                        nearness[row, column] = near
                        seen[row, column] = f
                to_b += b_right
                to_c += c_right


@cached_njit(inline="always")
def corner_weights(projected, i, j, k, column, row):  # pragma: no cover (compiled)
    """Perspective-correct weights of the corners i, j, k at a place of the picture."""
    ax, ay, a = projected[i, 0], projected[i, 1], projected[i, 2]
    bx, by, b = projected[j, 0], projected[j, 1], projected[j, 2]
    cx, cy, c = projected[k, 0], projected[k, 1], projected[k, 2]
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    to_b = ((column - ax) * (cy - ay) - (cx - ax) * (row - ay)) / area
    to_c = ((bx - ax) * (row - ay) - (column - ax) * (by - ay)) / area
    to_a, to_b, to_c = (1 - to_b - to_c) * a, to_b * b, to_c * c
    total = to_a + to_b + to_c
    return to_a / total, to_b / total, to_c / total
