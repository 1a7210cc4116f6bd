"""A mesh without colours, drawn as plaster: daylight from above and in front, written into it.

Light comes from all around, most of it from one side, and is kept off by the head itself: shadows
and ambient occlusion in one, by a depth map towards each direction.
"""

from dataclasses import replace

import numpy as np

from avatar.mesh.coloured import ColouredMesh, Paint, to_linear, to_srgb
from avatar.mesh.normals import point_normals
from avatar.mesh.vectors import Bools, Floats, Ints, normalised, sphere_directions
from avatar.mesh.zbuffer import parallel_axes, project_parallel, rasterize

FEW = 8  # colours of materials that still are no picture of a face
HUE = 0.02  # difference between red, green and blue that counts as grey
DIRECTIONS = 96
PIXELS = 512  # width of a depth map
THICKNESS = 1.5  # pixels by which a surface must be in front to keep light off
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
    radiance = _radiance(directions)
    normals = point_normals(vertices, faces)
    centred = vertices - (vertices.max(0) + vertices.min(0)) / 2
    half_width = 1.02 * float(np.linalg.norm(centred, axis=1).max())
    light = np.zeros(len(vertices))
    for axes, strength in zip(parallel_axes(directions), radiance, strict=True):
        cosine = normals @ axes[2]
        lit = np.flatnonzero(cosine > 0)
        seen = _seen(centred, faces, normals, axes, half_width, lit)
        light[lit] += strength * cosine[lit] * seen
    most = radiance @ np.maximum(directions @ KEY, 0)
    return BOUNCED + (1 - BOUNCED) * light / most


def _radiance(directions: Floats) -> Floats:
    """Radiance [D] from directions [D, 3]."""
    sky = GROUND + (SKY - GROUND) * (1 + directions[:, 1]) / 2
    return sky + LAMP * np.exp(WIDTH * (directions @ KEY - 1))


def _seen(
    vertices: Floats, faces: Ints, normals: Floats, axes: Floats, half_width: float, index: Ints
) -> Bools:
    """Whether light from one direction reaches some vertices [P] of a mesh around the origin."""
    reach = THICKNESS * 2 * half_width / PIXELS
    corners = project_parallel(axes, vertices, half_width, PIXELS)
    nearest = rasterize(corners, faces, PIXELS, PIXELS, -np.inf).nearness
    above = vertices[index] + reach * normals[index]
    columns, rows, near = project_parallel(axes, above, half_width, PIXELS).T
    pixel = np.clip([rows, columns], 0, PIXELS - 1).astype(int)
    return nearest[tuple(pixel)] <= near + reach
