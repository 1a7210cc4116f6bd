"""Keep what belongs inside a head beneath the scan's skin."""

import numpy as np

from avatar.mesh.closest import FaceTree, closest, face_tree
from avatar.mesh.coloured import ColouredMesh
from avatar.mesh.normals import point_normals
from avatar.mesh.vectors import MM, Floats, normalised

MARGIN = 20 * MM  # around the points within which the skin is looked at
PASSES = 3
FARTHEST = 8 * MM  # that something is moved as one piece


def skin_tree(scan: ColouredMesh, points: Floats) -> FaceTree:
    """The scan's surface around points [N, 3], ready to be asked."""
    low, high = points.min(0) - MARGIN, points.max(0) + MARGIN
    near = ((scan.vertices > low) & (scan.vertices < high)).all(1)
    faces = scan.faces[near[scan.faces].all(1)]
    return face_tree(scan.vertices.astype(np.float64), faces)


def settled(points: Floats, skin: FaceTree, clearance: Floats) -> Floats:
    """Points [N, 3] moved so that each lies at least its clearance [N] beneath the skin."""
    for _ in range(PASSES):
        outside, normals = _outside(points, skin)
        points = points - normals * np.maximum(outside + clearance, 0)[:, None]
    return points


def set_back(points: Floats, skin: FaceTree, clearance: float) -> Floats:
    """The shift [3] backwards that brings points [N, 3], as one piece, beneath the skin."""
    lacking = np.maximum(_outside(points, skin)[0] + clearance, 0)
    return np.array([0.0, 0.0, -min(float(lacking.max(initial=0)), FARTHEST)])


def _outside(points: Floats, skin: FaceTree) -> tuple[Floats, Floats]:
    """How far points [N, 3] lie outside the skin [N], negative within, and its normals [N, 3]."""
    hit = closest(skin, points)
    corners = skin.faces[hit.faces]
    on_skin = np.einsum("nc,nck->nk", hit.weights, skin.vertices[corners])
    smooth = point_normals(skin.vertices, skin.faces)[corners]
    normals = normalised(np.einsum("nc,nck->nk", hit.weights, smooth))
    return ((points - on_skin) * normals).sum(1), normals
