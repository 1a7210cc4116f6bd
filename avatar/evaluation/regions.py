"""Which part of the head every pixel of a view shows."""

from collections.abc import Callable

import torch
from torch import Tensor

from avatar.capture import View
from avatar.heads import Head
from avatar.mesh.zbuffer import NOTHING, project_samples, rasterize
from splat import Camera, orbit

REGIONS = ("skin", "hair", "eyes", "mouth")
"""Labels 1 to 4 of a label picture, in this order; 0 is the background."""
PARTS = {"hair": ("scalp",), "eyes": ("eyes",), "mouth": ("inner_mouth", "teeth", "tongue")}
"""Regions of pixels by the regions of a head's vertices; the rest is skin."""
AZIMUTHS, ELEVATIONS = range(-90, 91, 30), (-40, 0, 40)  # degrees, from where a face is looked over
FINE = 512  # pixels of a look

Labeller = Callable[[View], Tensor]
"""View → labels [H, W] int64"""


def triangle_regions(head: Head, faces: Tensor) -> Tensor:
    """The label [M] of every triangle: that of a part which holds all its corners, or skin.

    What is seen of the resting head, whose lips are sealed, is not inside the mouth.
    """
    outside = seen_at_rest(head.vertices, faces)
    labels = torch.ones(len(faces), dtype=torch.int64)
    for name, parts in PARTS.items():
        inside = torch.zeros(len(head.vertices), dtype=torch.bool)
        inside[torch.cat([head.regions[part] for part in parts])] = True
        if name == "mouth":
            inside &= ~outside
        labels[inside[faces].all(1)] = 1 + REGIONS.index(name)
    return labels


def seen_at_rest(vertices: Tensor, faces: Tensor) -> Tensor:
    """Which vertices [V] of a head [V, 3] belong to a triangle that is seen from some side."""
    seen = torch.zeros(len(vertices), dtype=torch.bool)
    middle = (vertices.amin(0) + vertices.amax(0)) / 2
    distance = 4 * float((vertices.amax(0) - vertices.amin(0)).norm())
    for azimuth in AZIMUTHS:
        for elevation in ELEVATIONS:
            camera = orbit(middle, distance, azimuth, elevation, 15.0, FINE, FINE)
            found = _seen(vertices, faces, camera).unique()
            seen[faces[found[found != NOTHING]]] = True
    return seen


def mesh_labeller(head: Head, vertices: Tensor, faces: Tensor) -> Labeller:
    """Labels from the tracked meshes [T, V, 3]: the region of the triangle seen in each pixel."""
    by_triangle = torch.cat([triangle_regions(head, faces), torch.zeros(1, dtype=torch.int64)])
    return lambda view: by_triangle[_seen(vertices[view.timestep], faces, view.camera)]


def _seen(vertices: Tensor, faces: Tensor, camera: Camera) -> Tensor:
    """The triangle seen in each pixel [H, W], or NOTHING, which is the last row of a list."""
    corners = project_samples(camera, vertices.numpy())
    fragments = rasterize(corners, faces.numpy(), camera.height, camera.width)
    return torch.from_numpy(fragments.faces).to(torch.int64)
