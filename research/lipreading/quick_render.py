"""The mouth rendered as triangles with a z-buffer, in Numba: the crops of `render`, twenty times as
fast but without gradients, for training with another face in every window."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from avatar.heads import Head, load_head
from common.kernels import cached_njit
from research.lipreading.mouth_view import FRONT, SIZE, MouthView, light_direction, mouth_camera
from research.lipreading.people import PLAIN, Look
from research.lipreading.render import BACKGROUND, GLOSS_EXPONENT, blotched, layer_of

SAMPLES = 2
"""Samples of a pixel in a row."""

_DOUBLINGS = int(math.log2(GLOSS_EXPONENT))

QuickRenderer = Callable[[Tensor], np.ndarray]
"""The mouth's vertices [F, v, 3] in head space → grey crops [F, 88, 88] uint8."""


def quick_mouth_renderer(head: Head, view: MouthView = FRONT, look: Look = PLAIN) -> QuickRenderer:
    """A renderer of the vertices `layer_of(head).vertices` of a head in its resting identity."""
    layer, camera = layer_of(head, torch.device("cpu")), mouth_camera(head, view)
    albedo, gloss = vertex_paint(head, look)
    towards_eye = -camera.viewmat[2, :3]
    light = light_direction(view)
    halfway = torch.nn.functional.normalize(light + towards_eye, dim=0)
    to_picture = camera.K @ camera.viewmat[:3]  # [3, 4]
    lit = np.array([*light, *halfway, view.ambient, view.exposure], np.float32)
    faces, picture = layer.faces.int().numpy(), to_picture.numpy().astype(np.float32)

    def draw(vertices: Tensor) -> np.ndarray:
        crops = np.empty((len(vertices), SIZE, SIZE), np.uint8)
        given = np.ascontiguousarray(vertices.numpy(), np.float32)
        _draw(given, faces, picture, albedo.numpy(), gloss.numpy(), lit, crops)
        return crops

    return draw


def vertex_paint(head: Head, look: Look) -> tuple[Tensor, Tensor]:
    """Albedo [v] and gloss [v] at the mouth's vertices of a head."""
    paint, gloss = _vertex_shares(head.topology)
    rest = head.vertices[layer_of(head, torch.device("cpu")).vertices]
    return paint @ look.greys * blotched(look, rest), gloss * look.gloss


@cache
def _vertex_shares(topology: str) -> tuple[Tensor, Tensor]:
    """Paint [v, K] and gloss [v]: the means of the discs around each vertex; where there are none,
    what the nearest vertex has."""
    head = load_head(topology)
    layer = layer_of(head, torch.device("cpu"))
    rest = head.vertices[layer.vertices]
    corners = layer.faces[layer.binding].flatten()  # [3N]
    values = torch.cat([layer.paint, layer.gloss[:, None]], 1)  # [N, K + 1]
    weighted = (layer.weights[..., None] * values[:, None]).flatten(0, 1)
    sums = torch.zeros(len(rest), values.shape[1]).index_add_(0, corners, weighted)
    total = torch.zeros(len(rest)).index_add_(0, corners, layer.weights.flatten())
    known = (total > 0).nonzero()[:, 0]
    nearest = known[torch.cdist(rest, rest[known]).argmin(1)]
    means = sums[nearest] / total[nearest, None]
    return means[:, :-1], means[:, -1]


@cached_njit(fastmath=True)
def _draw(vertices, faces, picture, albedo, gloss, lit, crops):  # pragma: no cover (compiled)
    count, size = vertices.shape[1], crops.shape[1] * SAMPLES
    normals = np.empty((count, 3), np.float32)
    grey = np.empty(count, np.float32)
    seen = np.empty((count, 3), np.float32)
    nearness = np.empty((size, size), np.float32)
    shade = np.empty((size, size), np.float32)
    for f in range(len(vertices)):
        _normals(vertices[f], faces, normals)
        _shade(normals, albedo, gloss, lit, grey)
        _project(vertices[f], picture, seen)
        nearness[:] = 0.0
        shade[:] = BACKGROUND
        _fill(seen, faces, grey, nearness, shade)
        _reduce(shade, crops[f])


@cached_njit(fastmath=True)
def _normals(vertices, faces, normals):  # pragma: no cover (compiled)
    normals[:] = 0.0
    for f in range(len(faces)):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = (
            vertices[j, 0] - vertices[i, 0],
            vertices[j, 1] - vertices[i, 1],
            vertices[j, 2] - vertices[i, 2],
        )
        bx, by, bz = (
            vertices[k, 0] - vertices[i, 0],
            vertices[k, 1] - vertices[i, 1],
            vertices[k, 2] - vertices[i, 2],
        )
        x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for v in (i, j, k):
            normals[v, 0] += x
            normals[v, 1] += y
            normals[v, 2] += z


@cached_njit(fastmath=True)
def _shade(normals, albedo, gloss, lit, grey):  # pragma: no cover (compiled)
    """Half-Lambert light and a highlight at each vertex, as `light_on` has it."""
    ambient, exposure = lit[6], lit[7]
    for v in range(len(normals)):
        x, y, z = normals[v, 0], normals[v, 1], normals[v, 2]
        scale = 1 / (math.sqrt(x * x + y * y + z * z) + 1e-20)
        facing = (x * lit[0] + y * lit[1] + z * lit[2]) * scale
        along = max(0.0, (x * lit[3] + y * lit[4] + z * lit[5]) * scale)
        half = 0.5 + 0.5 * facing
        for _ in range(_DOUBLINGS):
            along *= along
        shine = (1 - ambient) * 2 * along
        grey[v] = exposure * (
            albedo[v] * (ambient + (1 - ambient) * half * half) + gloss[v] * shine
        )


@cached_njit(fastmath=True)
def _project(vertices, picture, seen):  # pragma: no cover (compiled)
    """Places in samples and 1/depth."""
    for v in range(len(vertices)):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        near = 1 / (picture[2, 0] * x + picture[2, 1] * y + picture[2, 2] * z + picture[2, 3])
        for axis in range(2):
            row = picture[axis]
            seen[v, axis] = (row[0] * x + row[1] * y + row[2] * z + row[3]) * near * SAMPLES
        seen[v, 2] = near


@cached_njit(fastmath=True)
def _fill(seen, faces, grey, nearness, shade):  # pragma: no cover (compiled)
    size = len(shade)
    for f in range(len(faces)):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by = seen[i, 0], seen[i, 1], seen[j, 0], seen[j, 1]
        cx, cy = seen[k, 0], seen[k, 1]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        first_row = max(0, math.ceil(min(ay, by, cy) - 0.5))
        last_row = min(size - 1, math.floor(max(ay, by, cy) - 0.5))
        first_column = max(0, math.ceil(min(ax, bx, cx) - 0.5))
        last_column = min(size - 1, math.floor(max(ax, bx, cx) - 0.5))
        if area >= 0.0 or first_row > last_row or first_column > last_column:
            continue
        b_right, b_down = (cy - ay) / area, (ax - cx) / area
        c_right, c_down = (ay - by) / area, (bx - ax) / area
        near, near_b, near_c = seen[i, 2], seen[j, 2] - seen[i, 2], seen[k, 2] - seen[i, 2]
        tone, tone_b, tone_c = grey[i], grey[j] - grey[i], grey[k] - grey[i]
        for row in range(first_row, last_row + 1):
            right, down = first_column + 0.5 - ax, row + 0.5 - ay
            to_b = right * b_right + down * b_down
            to_c = right * c_right + down * c_down
            for column in range(first_column, last_column + 1):
                if to_b >= 0.0 and to_c >= 0.0 and to_b + to_c <= 1.0:
                    here = near + to_b * near_b + to_c * near_c
                    if here > nearness[row, column]:
                        nearness[row, column] = here
                        shade[row, column] = tone + to_b * tone_b + to_c * tone_c
                to_b += b_right
                to_c += c_right


@cached_njit(fastmath=True)
def _reduce(shade, crop):  # pragma: no cover (compiled)
    """Pixels as the means of their samples."""
    for row in range(crop.shape[0]):
        for column in range(crop.shape[1]):
            total = 0.0
            for j in range(SAMPLES):
                for i in range(SAMPLES):
                    total += shade[row * SAMPLES + j, column * SAMPLES + i]
            mean = total / (SAMPLES * SAMPLES)
            crop[row, column] = int(min(max(mean, 0.0), 1.0) * 255 + 0.5)
