"""The last of rigid ICP: on the surface itself, until it rests, so that where a search came from no
longer shows."""

import numpy as np

from avatar.mesh.closest import FaceTree, closest, face_tree
from avatar.mesh.normals import point_normals
from avatar.mesh.similarity import IDENTITY, Similarity
from avatar.mesh.vectors import Floats, Ints, normalised
from avatar.mesh.visibility import seen_faces
from avatar.transfer.icp import AGREE, TemplatePoints, step

ROUNDS = 2  # what of the mesh is seen is asked anew in each
MOST_STEPS = 60
REST = 1e-9  # metres: a step that moves no point farther is the last
REACH = 0.008  # metres at which a pair counts a quarter


def settled(vertices: Floats, faces: Ints, to_head: Similarity, head: TemplatePoints) -> Similarity:
    """The similarity from a mesh's space to head space next to one that is nearly right.

    Point-to-plane ICP like refine, but to the closest points of the triangles [M, 3] seen from
    around and above: it depends neither on samples nor on how the mesh stands in its own space.
    """
    for _ in range(ROUNDS):
        moved = to_head.apply(vertices)
        outside = faces[seen_faces(moved, faces)]
        to_head = to_head.then(_at_rest(face_tree(moved, outside), head))
    return to_head


def _at_rest(surface: FaceTree, head: TemplatePoints) -> Similarity:
    """What lays a surface that is nearly in head space onto the template."""
    normals = point_normals(surface.vertices, surface.faces)
    current = IDENTITY
    for _ in range(MOST_STEPS):
        places, facing = current.inverse().apply(head.points), head.normals @ current.rotation
        hit = closest(surface, places, facing, AGREE)
        found = hit.faces >= 0
        corners = surface.faces[hit.faces[found]]
        weights = hit.weights[found]
        on = normalised(np.einsum("pc,pcx->px", weights, normals[corners])) @ current.rotation.T
        reached = current.apply(np.einsum("pc,pcx->px", weights, surface.vertices[corners]))
        away = reached - head.points[found]
        share = (1 / (1 + (away**2).sum(1) / REACH**2)) ** 2
        before, current = current, step(current, reached, on, away, share)
        if np.abs(current.apply(places) - before.apply(places)).max() < REST:
            break
    return current
