"""Which point of the fitted template each vertex of a mesh belongs to."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse import csgraph

from avatar.transfer.search import closest, face_tree
from avatar.transfer.surface import adjacency, point_normals
from avatar.transfer.template import Template

Floats = NDArray[np.floating]
Indices = NDArray[np.integer]

# Classes of the template's triangles.
UPPER, LOWER, LEFT_EYE, RIGHT_EYE, UPPER_TEETH, LOWER_TEETH, TONGUE, LASHES = range(8)
SKIN = (UPPER, LOWER)
PARTS = {
    "l-eye": LEFT_EYE,
    "r-eye": RIGHT_EYE,
    "upper-teeth": UPPER_TEETH,
    "lower-teeth": LOWER_TEETH,
    "tongue": TONGUE,
}
AGREE = 0.3  # least cosine between a vertex's normal and its triangle's


@dataclass(frozen=True)
class Matching:
    """Each mesh vertex's point on the fitted template."""

    weights: sp.csr_array  # [V, S] barycentric, rows sum to one
    distances: Floats  # [V] metres at the size of anny-head
    agreed: NDArray[np.bool_]  # [V] whether the normals agree
    classes: Indices  # [V] class of the template that a vertex belongs to


def match_vertices(
    template: Template, vertices: Floats, faces: Indices, fitted: Floats
) -> Matching:
    """Match mesh vertices [V, 3] with the fitted template [S, 3], both at the size of anny-head."""
    tree = face_tree(fitted, template.head.faces.numpy(), face_classes(template))
    normals = point_normals(vertices, faces)
    allowed = _allowed(template, vertices, faces, fitted)
    best = closest(tree, vertices, normals, AGREE, allowed, reach=0.02)
    agreed = best.faces >= 0
    rest = closest(tree, vertices, allowed=allowed)
    face = np.where(agreed, best.faces, rest.faces)
    weights = np.where(agreed[:, None], best.weights, rest.weights)
    rows = np.repeat(np.arange(len(vertices)), 3)
    entries = (weights.ravel(), (rows, tree.faces[face].ravel()))
    matrix = sp.coo_array(entries, (len(vertices), len(fitted))).tocsr()
    return Matching(
        matrix, np.where(agreed, best.distances, rest.distances), agreed, tree.classes[face]
    )


def face_classes(template: Template) -> Indices:
    """[M] class of each triangle of anny-head."""
    head = template.head
    names, groups = head.group_names, head.face_groups.numpy()
    by_group = np.array([PARTS.get(name, LASHES) for name in names])
    classes = by_group[groups]
    body = groups == names.index("body")
    upper = template.upper[head.faces.numpy()].sum(1) >= 2
    classes[body] = np.where(upper[body], UPPER, LOWER)
    return classes


def _allowed(template: Template, vertices: Floats, faces: Indices, fitted: Floats) -> Indices:
    """[V] bit masks of the classes that a vertex may take from: skin from skin, a part from its
    like. Where the mesh has no eyeballs of its own, its skin goes on over the eye.
    """
    part_of = component_classes(template, vertices, faces, fitted)
    skin = sum(1 << kind for kind in SKIN)
    for eye in (LEFT_EYE, RIGHT_EYE):
        if not (part_of == eye).any():
            skin |= 1 << eye
    return np.where(part_of == UPPER, skin, 1 << part_of)


def component_classes(
    template: Template, vertices: Floats, faces: Indices, fitted: Floats
) -> Indices:
    """[V] the part that a vertex's connected component is, by what lies nearest to most of it;
    UPPER stands for skin."""
    count = len(vertices)
    _, component = csgraph.connected_components(adjacency(faces, count), directed=False)
    tree = face_tree(fitted, template.head.faces.numpy(), face_classes(template))
    nearest = tree.classes[closest(tree, vertices).faces]
    nearest[nearest == LOWER] = UPPER
    votes = np.zeros((component.max() + 1, LASHES + 1))
    np.add.at(votes, (component, nearest), 1)
    winner = votes.argmax(1)
    return winner[component]
