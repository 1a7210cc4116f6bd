"""The mouth rendered as triangles with a z-buffer: the crops of `render`, many times as fast but
without gradients, for training with another face in every window."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.triangle_mesh import vertex_normals
from avatar.geometry.zbuffer import corner_weights, project_samples, rasterize
from avatar.heads import Head, load_head
from common.kernels import cached_njit
from research.lipreading.mouth_view import FRONT, SIZE, MouthView, light_direction, mouth_camera
from research.lipreading.people import PLAIN, Look
from research.lipreading.render import BACKGROUND, blotched, layer_of, light_on

SAMPLES = 2
"""Samples of a pixel in a row."""

QuickRenderer = Callable[[Tensor], np.ndarray]
"""The mouth's vertices [F, v, 3] in head space → grey crops [F, 88, 88] uint8."""


def quick_mouth_renderer(head: Head, view: MouthView = FRONT, look: Look = PLAIN) -> QuickRenderer:
    """A renderer of the vertices `layer_of(head).vertices` of a head in its resting identity."""
    layer, camera = layer_of(head, torch.device("cpu")), mouth_camera(head, view)
    albedo, gloss = vertex_paint(head, look)
    light, towards_eye = light_direction(view), -camera.viewmat[2, :3]
    faces = layer.faces.int().numpy()

    def draw(vertices: Tensor) -> np.ndarray:
        normals = vertex_normals(vertices, layer.faces)
        lit, shine = light_on(normals, light, towards_eye, view)
        grey = (view.exposure * (albedo * lit + gloss * shine)).numpy()  # [F, v]
        crops = np.empty((len(vertices), SIZE, SIZE), np.uint8)
        for crop, frame, tones in zip(crops, vertices.numpy(), grey, strict=True):
            projected = project_samples(camera, frame, SAMPLES)
            seen = rasterize(projected, faces, SIZE * SAMPLES, SIZE * SAMPLES).faces
            _paint(seen, projected, faces, tones, crop)
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


@cached_njit()
def _paint(seen, projected, faces, grey, crop):  # pragma: no cover (compiled)
    """Pixels as the means of their samples, each of what is seen there."""
    for row in range(crop.shape[0]):
        for column in range(crop.shape[1]):
            total = 0.0
            for j in range(row * SAMPLES, (row + 1) * SAMPLES):
                for i in range(column * SAMPLES, (column + 1) * SAMPLES):
                    f = seen[j, i]
                    if f < 0:
                        total += BACKGROUND
                        continue
                    p, q, r = faces[f, 0], faces[f, 1], faces[f, 2]
                    a, b, c = corner_weights(projected, p, q, r, i + 0.5, j + 0.5)
                    total += a * grey[p] + b * grey[q] + c * grey[r]
            mean = total / (SAMPLES * SAMPLES)
            crop[row, column] = int(min(max(mean, 0.0), 1.0) * 255 + 0.5)
