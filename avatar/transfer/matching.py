"""Which point of the fitted template each vertex of a mesh belongs to."""

from dataclasses import dataclass, fields

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse import csgraph
from scipy.spatial import KDTree

from avatar.transfer.search import FaceTree, closest, face_tree
from avatar.transfer.sides import near_lips
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
AMISS = 0.0025  # metres by which the fitted line of the lips may lie beside the mesh's own
UNCERTAIN = 0.004  # metres from the border between the classes of upper and lower skin
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
    found = _nearest(tree, vertices, normals, allowed)
    lips, sides = _along_lips(template, tree, vertices, faces, tree.classes[found.faces])
    again = _nearest(tree, vertices[lips], normals[lips], 1 << sides)
    found = found.replaced(lips, again, again.distances < found.distances[lips] + AMISS)
    rows = np.repeat(np.arange(len(vertices)), 3)
    entries = (found.weights.ravel(), (rows, tree.faces[found.faces].ravel()))
    matrix = sp.coo_array(entries, (len(vertices), len(fitted))).tocsr()
    return Matching(matrix, found.distances, found.agreed, tree.classes[found.faces])


def _along_lips(
    template: Template, tree: FaceTree, vertices: Floats, faces: Indices, kinds: Indices
) -> tuple[Indices, Indices]:
    """The skin's vertices [B] where the lips meet, and UPPER or LOWER for each.

    kinds [V]: what lies nearest. What lies near the border of both classes on one surface, as
    behind the corners of the mouth, tells nothing.
    """
    upper, lower = (np.unique(tree.faces[tree.classes == kind]) for kind in SKIN)
    border = KDTree(tree.vertices[np.intersect1d(upper, lower)])
    certain = np.isin(kinds, SKIN) & (border.query(vertices)[0] > UNCERTAIN)
    band, source = near_lips(template, vertices, faces, tree.vertices, np.where(certain, kinds, -1))
    told = (source >= 0) & np.isin(kinds[band], SKIN)
    return band[told], kinds[source[told]]


@dataclass(frozen=True)
class _Nearest:
    """The triangle that each of some points belongs to."""

    faces: Indices  # [Q]
    weights: Floats  # [Q, 3]
    distances: Floats  # [Q]
    agreed: NDArray[np.bool_]  # [Q]

    def replaced(self, rows: Indices, other: "_Nearest", chosen: NDArray[np.bool_]) -> "_Nearest":
        """With those of the rows [B] that are chosen [B] taken from another [B]."""
        parts = []
        for field in fields(self):
            values = getattr(self, field.name).copy()
            values[rows[chosen]] = getattr(other, field.name)[chosen]
            parts.append(values)
        return _Nearest(*parts)


def _nearest(tree: FaceTree, points: Floats, normals: Floats, allowed: Indices) -> _Nearest:
    """Nearest among triangles that face the same way, or among all where none is near."""
    best = closest(tree, points, normals, AGREE, allowed, reach=0.02)
    agreed = best.faces >= 0
    rest = closest(tree, points, allowed=allowed)
    return _Nearest(
        np.where(agreed, best.faces, rest.faces),
        np.where(agreed[:, None], best.weights, rest.weights),
        np.where(agreed, best.distances, rest.distances),
        agreed,
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
