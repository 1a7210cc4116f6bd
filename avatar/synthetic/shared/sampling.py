"""Even samples on a mesh: darts are thrown and kept where no earlier one is near."""

import numpy as np

from avatar.mesh.normals import face_areas
from avatar.mesh.vectors import Floats, Ints, normalised
from avatar.synthetic.shared.surface import Mesh, Spots, at_spots
from common.kernels import cached_njit

DARTS_PER_PLACE = 8
SAME_SIDE = 0.2  # two darts compete only where their normals agree, or thin lids get holes


def even_spots(
    surface: Mesh, triangles: Ints, spacing: Floats | float, rng: np.random.Generator
) -> Spots:
    """Blue-noise spots on the given triangles [m] with a wished spacing, per vertex [V] or the same
    everywhere, in metres."""
    spacing = np.broadcast_to(spacing, len(surface.vertices))
    faces = surface.faces[triangles]
    wanted = face_areas(surface.vertices, faces) / spacing[faces].mean(1) ** 2
    count = int(wanted.sum() * DARTS_PER_PLACE)
    pick = rng.choice(len(triangles), count, p=wanted / wanted.sum())
    weights = _barycentric(count, rng)
    darts = Spots(triangles[pick], weights, (spacing[faces[pick]] * weights).sum(1))
    points = at_spots(surface.vertices, surface.faces, darts)
    normals = normalised(at_spots(surface.normals, surface.faces, darts))
    return darts[_thin_out(points, normals, darts.spacing)]


def _barycentric(count: int, rng: np.random.Generator) -> Floats:
    """Uniform barycentric coordinates [count, 3]."""
    pair = rng.random((count, 2))
    outside = pair.sum(1) > 1
    pair[outside] = 1 - pair[outside]
    return np.column_stack([1 - pair.sum(1), pair])


def _thin_out(points: Floats, normals: Floats, radius: Floats) -> np.ndarray:
    """Which points [N] to keep so that no two kept ones are closer than their radius."""
    low = points.min(0) - 1e-6
    cell = float(radius.max())
    shape = ((points.max(0) - low) / cell).astype(np.int64) + 2
    cells = ((points - low) / cell).astype(np.int64)
    return _keep_apart(points, normals, radius, cells, shape)


@cached_njit()
def _keep_apart(points, normals, radius, cells, shape):  # pragma: no cover (compiled)
    first = -np.ones(shape[0] * shape[1] * shape[2], np.int64)
    following = -np.ones(len(points), np.int64)
    keep = np.zeros(len(points), np.bool_)
    for i in range(len(points)):
        free = True
        for x in range(max(0, cells[i, 0] - 1), min(shape[0], cells[i, 0] + 2)):
            for y in range(max(0, cells[i, 1] - 1), min(shape[1], cells[i, 1] + 2)):
                for z in range(max(0, cells[i, 2] - 1), min(shape[2], cells[i, 2] + 2)):
                    j = first[(x * shape[1] + y) * shape[2] + z]
                    while j >= 0 and free:
                        gap = points[i] - points[j]
                        reach = min(radius[i], radius[j])
                        near = (gap * gap).sum() < reach * reach
                        if near and (normals[i] * normals[j]).sum() > SAME_SIDE:
                            free = False
                        j = following[j]
        if free:
            home = (cells[i, 0] * shape[1] + cells[i, 1]) * shape[2] + cells[i, 2]
            following[i] = first[home]
            first[home] = i
            keep[i] = True
    return keep
