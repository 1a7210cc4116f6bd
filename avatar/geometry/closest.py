"""The closest point of a triangle mesh, exactly, by a tree of boxes."""

from dataclasses import dataclass

import numpy as np

from avatar.geometry.triangle_mesh import face_normals
from avatar.geometry.vectors import Floats, Ints
from common.kernels import cached_njit
from common.parallel import spread

LEAF = 4  # triangles in a leaf of the tree
DEPTH = 64  # no tree of int32 triangles is deeper
EVERY_CLASS = 0xFFFF
TOGETHER = 2000  # points that a thread looks for at a time


@dataclass(frozen=True)
class FaceTree:
    """A triangle mesh made ready for closest-point queries."""

    vertices: Floats  # [V, 3] float64
    faces: Ints  # [M, 3] int64
    normals: Floats  # [M, 3] unit, zero where a triangle has no area
    classes: Ints  # [M] int64 in 0..15, what a query may ask for
    boxes: Floats  # [B, 2, 3] lowest and highest corner of each box
    spans: Ints  # [B, 3] first and last+1 of a box's triangles in `order`, and its first child
    order: Ints  # [M] triangle indices, box by box


@dataclass(frozen=True)
class Closest:
    """Where queries [Q] landed; `faces` is -1 where no triangle was allowed within reach."""

    faces: Ints  # [Q]
    weights: Floats  # [Q, 3] barycentric
    distances: Floats  # [Q] infinite where nothing was found


def face_tree(vertices: Floats, faces: Ints, classes: Ints | None = None) -> FaceTree:
    """Prepare a mesh of vertices [V, 3] and faces [M, 3]; classes [M] in 0..15, or all 0."""
    vertices = np.ascontiguousarray(vertices, np.float64)
    faces = np.ascontiguousarray(faces, np.int64)
    classes = np.zeros(len(faces), np.int64) if classes is None else classes.astype(np.int64)
    boxes, spans, order = _build(vertices[faces])
    return FaceTree(vertices, faces, face_normals(vertices, faces), classes, boxes, spans, order)


def closest(
    tree: FaceTree,
    points: Floats,
    normals: Floats | None = None,
    min_cosine: float = -2.0,
    allowed: Ints | None = None,
    reach: float = np.inf,
) -> Closest:
    """The closest point of the mesh to each of points [Q, 3].

    With normals [Q, 3] only triangles count whose normal has at least min_cosine with the query's;
    allowed [Q] is a bit mask of the triangle classes that a query may take; reach bounds
    the distance.
    """
    count = len(points)
    points = np.ascontiguousarray(points, np.float64)
    normals = np.zeros((count, 3)) if normals is None else np.ascontiguousarray(normals, np.float64)
    allowed = np.full(count, EVERY_CLASS, np.int64) if allowed is None else allowed.astype(np.int64)
    surface = (tree.vertices[tree.faces], tree.normals, tree.classes)
    surface += (tree.boxes, tree.spans, tree.order)
    bounds = (min_cosine, min(reach, 1e150) ** 2)

    def found_in(part: slice) -> tuple[Ints, Floats, Floats]:
        return _query(*surface, points[part], normals[part], allowed[part], *bounds)

    parts = [slice(first, first + TOGETHER) for first in range(0, max(count, 1), TOGETHER)]
    found = spread(found_in, parts) if len(parts) > 1 else map(found_in, parts)
    faces, weights, squared = (np.concatenate(each) for each in zip(*found, strict=True))
    return Closest(faces, weights, np.where(faces < 0, np.inf, np.sqrt(squared)))


@cached_njit()
def _build(corners):
    """Boxes, spans and order of a binary tree over triangles [M, 3, 3], split at medians."""
    count = len(corners)
    centres = (corners[:, 0] + corners[:, 1] + corners[:, 2]) / 3
    order = np.arange(count)
    capacity = max(2 * count, 1)
    boxes, spans = np.empty((capacity, 2, 3)), np.full((capacity, 3), -1, np.int64)
    spans[0, 0], spans[0, 1] = 0, count
    used, current = 1, 0
    while current < used:
        first, last = spans[current, 0], spans[current, 1]
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for k in range(first, last):
            for corner in range(3):
                for axis in range(3):
                    value = corners[order[k], corner, axis]
                    low[axis], high[axis] = min(low[axis], value), max(high[axis], value)
        boxes[current, 0], boxes[current, 1] = low, high
        if last - first > LEAF:
            axis = np.argmax(high - low)
            part = order[first:last].copy()
            order[first:last] = part[np.argsort(centres[part, axis])]
            middle = (first + last) // 2
            spans[current, 2] = used
            spans[used, 0], spans[used, 1] = first, middle
            spans[used + 1, 0], spans[used + 1, 1] = middle, last
            used += 2
        current += 1
    return boxes[:used], spans[:used], order


@cached_njit()
def _query(
    corners, face_normals, classes, boxes, spans, order, points, normals, allowed, min_cosine,
    reach2,
):  # fmt: skip
    count = len(points)
    found = np.full(count, -1, np.int64)
    weights = np.zeros((count, 3))
    best = np.full(count, reach2)
    stack = np.empty(DEPTH * 2, np.int64)
    for q in range(count):
        stack[0], height = 0, 1
        while height > 0:
            height -= 1
            box = stack[height]
            if _box_distance(boxes[box], points[q]) > best[q]:
                continue
            child = spans[box, 2]
            if child >= 0:
                near, far = child, child + 1
                if _box_distance(boxes[far], points[q]) < _box_distance(boxes[near], points[q]):
                    near, far = far, near
                stack[height], stack[height + 1] = far, near
                height += 2
                continue
            for k in range(spans[box, 0], spans[box, 1]):
                face = order[k]
                if (allowed[q] >> classes[face]) & 1 == 0:
                    continue
                if min_cosine > -1.0:
                    normal, wanted = face_normals[face], normals[q]
                    cosine = normal[0] * wanted[0] + normal[1] * wanted[1] + normal[2] * wanted[2]
                    if cosine < min_cosine:
                        continue
                distance2, u, v, w = _closest_on_triangle(corners[face], points[q])
                if distance2 < best[q]:
                    best[q], found[q] = distance2, face
                    weights[q, 0], weights[q, 1], weights[q, 2] = u, v, w
    return found, weights, best


@cached_njit()
def _box_distance(box, point):
    total = 0.0
    for axis in range(3):
        outside = max(box[0, axis] - point[axis], 0.0, point[axis] - box[1, axis])
        total += outside * outside
    return total


@cached_njit(inline="always")
def _dot(ax, ay, az, bx, by, bz):
    return ax * bx + ay * by + az * bz


@cached_njit()
def _closest_on_triangle(corners, point):
    """Squared distance and barycentric weights (Ericson, Real-Time Collision Detection, 5.1.5); in
    scalars, as an array for each vector would be allocated."""
    px, py, pz = point[0], point[1], point[2]
    ax, ay, az = corners[0, 0], corners[0, 1], corners[0, 2]
    bx, by, bz = corners[1, 0], corners[1, 1], corners[1, 2]
    cx, cy, cz = corners[2, 0], corners[2, 1], corners[2, 2]
    abx, aby, abz = bx - ax, by - ay, bz - az
    acx, acy, acz = cx - ax, cy - ay, cz - az
    apx, apy, apz = px - ax, py - ay, pz - az
    d1, d2 = _dot(abx, aby, abz, apx, apy, apz), _dot(acx, acy, acz, apx, apy, apz)
    bpx, bpy, bpz, cpx, cpy, cpz = px - bx, py - by, pz - bz, px - cx, py - cy, pz - cz
    d3, d4 = _dot(abx, aby, abz, bpx, bpy, bpz), _dot(acx, acy, acz, bpx, bpy, bpz)
    d5, d6 = _dot(abx, aby, abz, cpx, cpy, cpz), _dot(acx, acy, acz, cpx, cpy, cpz)
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    if d1 <= 0 and d2 <= 0:
        v, w = 0.0, 0.0
    elif d3 >= 0 and d4 <= d3:
        v, w = 1.0, 0.0
    elif vc <= 0 and d1 >= 0 and d3 <= 0:
        v, w = d1 / max(d1 - d3, 1e-300), 0.0
    elif d6 >= 0 and d5 <= d6:
        v, w = 0.0, 1.0
    elif vb <= 0 and d2 >= 0 and d6 <= 0:
        v, w = 0.0, d2 / max(d2 - d6, 1e-300)
    elif va <= 0 and d4 - d3 >= 0 and d5 - d6 >= 0:
        w = (d4 - d3) / max((d4 - d3) + (d5 - d6), 1e-300)
        v = 1.0 - w
    else:
        total = va + vb + vc
        v, w = vb / total, vc / total
    x, y, z = apx - v * abx - w * acx, apy - v * aby - w * acy, apz - v * abz - w * acz
    return _dot(x, y, z, x, y, z), 1.0 - v - w, v, w
