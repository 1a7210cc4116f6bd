"""What of a mesh can be seen from outside."""

import numpy as np

from avatar.mesh.normals import area_normals
from avatar.mesh.vectors import Bools, Floats, Ints
from avatar.mesh.zbuffer import parallel_axes, project_parallel, rasterize

VIEWS = 40
PIXELS = 400  # width of a view in pixels
RIM = 2  # pixels around the mesh
THICKNESS = 1.5  # pixels: what lies less than this behind the first surface still counts as seen
LOWEST = -0.6  # sine of the lowest elevation that looks on: from beneath one sees into the neck
GOLDEN_ANGLE = 2.399963229728653  # radians, π (3 - √5)


def seen_faces(vertices: Floats, faces: Ints, lowest: float = LOWEST) -> Bools:
    """[M] true for the triangles whose centre and front are seen from somewhere around and above.

    Hidden are the inside of a closed mouth, the back of eyeballs, their sockets, and inner shells.
    lowest: the sine of the lowest elevation that looks on, -1 where nobody knows what is up.
    """
    centred = vertices - (vertices.max(0) + vertices.min(0)) / 2
    radius = float(np.linalg.norm(centred, axis=1).max())
    if not radius > 0:
        return np.zeros(len(faces), bool)
    half_width = radius * (PIXELS / 2) / (PIXELS / 2 - RIM)
    pixel = 2 * half_width / PIXELS
    centres, normals = centred[faces].mean(1), area_normals(vertices, faces)
    seen = np.zeros(len(faces), bool)
    for axes in parallel_axes(_view_directions(lowest)):
        corners = project_parallel(axes, centred, half_width, PIXELS)
        nearest = rasterize(corners, faces, PIXELS, PIXELS, -np.inf).nearness
        facing = np.flatnonzero(~seen & (normals @ axes[2] > 0))
        columns, rows, near = project_parallel(axes, centres[facing], half_width, PIXELS).T
        first = nearest[rows.astype(int), columns.astype(int)]
        seen[facing[first <= near + THICKNESS * pixel]] = True
    return seen


def _view_directions(lowest: float) -> Floats:
    """Unit vectors [D, 3] to viewers spread evenly over the sphere above the sine `lowest`."""
    height = np.linspace(1.0, lowest, VIEWS, endpoint=False) + (lowest - 1.0) / (2 * VIEWS)
    angle = GOLDEN_ANGLE * np.arange(VIEWS)
    ring = np.cos(np.arcsin(height))
    return np.stack([ring * np.sin(angle), height, ring * np.cos(angle)], axis=1)
