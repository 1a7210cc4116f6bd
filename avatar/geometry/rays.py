"""Which rays reach the open sky past a triangle mesh, by a tree of boxes."""

import numpy as np
from numba import prange

from avatar.geometry.closest import DEPTH, FaceTree
from avatar.geometry.vectors import Bools, Floats
from common.kernels import cached_njit

NEAREST = 1e-6  # metres: what is nearer is the triangle that the ray starts on
PARALLEL = 1e-20  # square metres, below which a triangle is seen from its edge


def unhidden(
    tree: FaceTree, points: Floats, towards: Floats, asked: Bools, nearest: Floats | float = 0.0
) -> Bools:
    """[N, D] whether rays from points [N, 3] towards unit vectors [D, 3] meet no triangle; false
    where it is not asked [N, D]. nearest [N]: metres within which triangles do not count."""
    corners = tree.vertices[tree.faces[tree.order]]  # [M, 3, 3] in the order of the leaves
    edges = np.concatenate([corners[:, 0], *(corners[:, k] - corners[:, 0] for k in (1, 2))], 1)
    apart = np.where(np.abs(towards) > 1e-9, towards, 1e-9)
    return _cast(
        edges.astype(np.float32),
        tree.boxes.reshape(-1, 6).astype(np.float32),
        tree.spans.astype(np.int32),
        np.ascontiguousarray(points, np.float32),
        np.ascontiguousarray(towards, np.float32),
        (1 / apart).astype(np.float32),
        np.ascontiguousarray(asked),
        np.broadcast_to(np.maximum(nearest, NEAREST), len(points)).astype(np.float32),
    )


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
def _cast(
    edges, boxes, spans, points, towards, inverse, asked, nearest
):  # pragma: no cover (compiled)
    free = np.zeros(asked.shape, np.bool_)
    for i in prange(len(points)):
        stack = np.empty(2 * DEPTH, np.int32)
        last = np.int32(-1)  # the triangle that hid the last direction often hides the next one
        for d in range(len(towards)):
            if not asked[i, d]:
                continue
            if last >= 0 and _meets(edges[last], points[i], towards[d], nearest[i]):
                continue
            ray = points[i], towards[d], inverse[d], nearest[i]
            last = _first_met(edges, boxes, spans, ray, stack)
            free[i, d] = last < 0
    return free


@cached_njit(fastmath=True, error_model="numpy")
def _first_met(edges, boxes, spans, ray, stack):  # pragma: no cover (compiled)
    """Some triangle that a ray meets, or -1."""
    start, way, inverse, nearest = ray
    stack[0], height = 0, 1
    while height > 0:
        height -= 1
        box = stack[height]
        if not _meets_box(boxes[box], start, inverse):
            continue
        child = spans[box, 2]
        if child >= 0:
            stack[height], stack[height + 1] = child, child + 1
            height += 2
            continue
        for k in range(spans[box, 0], spans[box, 1]):
            if _meets(edges[k], start, way, nearest):
                return k
    return -1


@cached_njit(fastmath=True, forceinline=True)
def _meets_box(box, start, inverse):  # pragma: no cover (compiled)
    near, far = np.float32(0), np.float32(1e30)
    for axis in range(3):
        a = (box[axis] - start[axis]) * inverse[axis]
        b = (box[3 + axis] - start[axis]) * inverse[axis]
        near, far = max(near, min(a, b)), min(far, max(a, b))
    return near <= far


@cached_njit(fastmath=True, error_model="numpy", forceinline=True)
def _meets(t, start, way, nearest):  # pragma: no cover (compiled)
    """Whether a ray meets a triangle [9]: a corner and two edges (Möller and Trumbore 1997)."""
    x = way[1] * t[8] - way[2] * t[7]
    y = way[2] * t[6] - way[0] * t[8]
    z = way[0] * t[7] - way[1] * t[6]
    size = t[3] * x + t[4] * y + t[5] * z
    if abs(size) < np.float32(PARALLEL):
        return False
    size = np.float32(1) / size
    ox, oy, oz = start[0] - t[0], start[1] - t[1], start[2] - t[2]
    u = (ox * x + oy * y + oz * z) * size
    if u < np.float32(0) or u > np.float32(1):
        return False
    x, y, z = oy * t[5] - oz * t[4], oz * t[3] - ox * t[5], ox * t[4] - oy * t[3]
    v = (way[0] * x + way[1] * y + way[2] * z) * size
    if v < np.float32(0) or u + v > np.float32(1):
        return False
    return (t[6] * x + t[7] * y + t[8] * z) * size > nearest
