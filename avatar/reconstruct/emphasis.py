"""Where errors count more: at the eyes and in and around the mouth.

They are small in the picture and large to the eye. The vertices of these regions are projected
into each view, and cells of the picture that hold one which faces the camera get a weight.
"""

import torch
from torch import Tensor
from torch.nn import functional

from avatar.mesh import vertex_normals
from avatar.mesh.pinhole import project, towards
from splat import Camera

CELL = 1 / 32  # of the picture's longer side


def emphasised_pixels(
    camera: Camera,
    vertices: Tensor,  # [V, 3]
    faces: Tensor,  # [M, 3]
    region: Tensor,  # [R] vertex indices
    strength: float,
) -> Tensor:
    """Weights [H, W]: 1 elsewhere, 1 + strength in cells that hold a vertex of the region."""
    height, width = camera.height, camera.width
    if not len(region) or strength == 0:
        return torch.ones(height, width, device=vertices.device)
    pixels, _ = project(camera, vertices[region])
    normals = vertex_normals(vertices, faces)[region]
    facing = (normals * towards(camera, vertices[region])).sum(-1) > 0
    cell = max(1.0, CELL * max(width, height))
    columns, rows = -(-width // int(cell)), -(-height // int(cell))
    grid = torch.zeros(rows, columns, device=vertices.device)
    places = (pixels / int(cell)).floor().long()
    inside = facing & (places >= 0).all(1) & (places[:, 0] < columns) & (places[:, 1] < rows)
    grid[places[inside, 1], places[inside, 0]] = strength
    soft = functional.interpolate(
        grid[None, None], scale_factor=float(int(cell)), mode="bilinear", align_corners=False
    )
    return 1 + soft[0, 0, :height, :width]
