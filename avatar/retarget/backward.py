"""Motion of any mesh as motion of anny-head."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse import linalg
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.closest import Closest, closest, face_tree
from avatar.geometry.edges import adjacency
from avatar.geometry.triangle_mesh import Mesh, point_normals
from avatar.geometry.vectors import Bools, Floats, Ints
from avatar.heads import Head
from avatar.retarget.operator import Transfer, affine_weights, local_frames
from avatar.retarget.registered_pair import (
    LOWER,
    PARTS,
    UPPER,
    RegisteredPair,
    registered_pair,
    template_tree,
    vertex_classes,
)
from avatar.retarget.template import Template

AGREE = 0.3  # least cosine between a vertex's normal and its triangle's
TRUSTED = 0.006  # metres within which the template follows the mesh's surface
FIXED = 0.03  # metres behind the lips, where the mouth's lining is fixed to the bone
ON_JAW = 0.2  # of the jaw's motion: skin that departs from it by less is fixed to the bone
CHIN_BELOW = 0.012  # metres under the line of the lips


def transfer_from(head: Head, mesh: Mesh, fitted: Tensor) -> Transfer:
    """The operator that turns offsets of a mesh [V, 3] into offsets of anny-head [S, 3].

    fitted [S, 3]: anny-head's vertices on the mesh, in the mesh's own space and unit. Where the
    mesh has no teeth, tongue or inner mouth, the lower ones follow the chin and the upper ones stay
    with the skull; eyeballs stay where the mesh has none; lashes follow the lids.
    """
    pair = registered_pair(head, mesh, fitted)
    classes = vertex_classes(pair, template_tree(pair.template, pair.fitted))
    skin = _skin_weights(pair, classes)
    weights = _with_parts(pair, classes, skin)
    turn = pair.to_head
    into = np.linalg.inv(local_frames(pair.template, pair.fitted))
    return Transfer(weights, after=turn.scale * into @ turn.rotation)


def _skin_weights(pair: RegisteredPair, classes: Ints) -> sp.csr_array:
    """[S, V]: rows of the body's vertices, by the closest point of the mesh or from around."""
    template = pair.template
    by_face = np.where((classes[pair.faces] == LOWER).sum(1) >= 2, LOWER, UPPER)
    part = classes[pair.faces].max(1) > LOWER
    tree = face_tree(pair.vertices, pair.faces, np.where(part, 15, by_face))
    normals = point_normals(pair.fitted, template.skin_faces)
    allowed = 1 << np.where(template.upper, UPPER, LOWER)
    hit = closest(tree, pair.fitted, normals, AGREE, allowed, TRUSTED)
    return _filled(pair, template, _rows(tree.faces, hit, len(pair.vertices)), hit.faces >= 0)


def _rows(faces: Ints, hit: Closest, count: int) -> sp.csr_array:
    """[Q, V] barycentric weights; a row without a match is empty."""
    found = np.flatnonzero(hit.faces >= 0)
    rows = np.repeat(found, 3)
    entries = (hit.weights[found].ravel(), (rows, faces[hit.faces[found]].ravel()))
    return sp.coo_array(entries, (len(hit.faces), count)).tocsr()


def _filled(
    pair: RegisteredPair, template: Template, rows: sp.csr_array, found: Bools
) -> sp.csr_array:
    """Rows of body vertices without a match, harmonic between those with one and the bone."""
    count = len(found)
    links = adjacency(template.skin_faces, count)
    on_bone = template.body & ~found & (_behind_lips(template) > FIXED)
    chin = _chin(template) & found
    if chin.any():
        lower = np.flatnonzero(on_bone & ~template.upper)
        weights = affine_weights(pair.fitted[chin], pair.fitted[lower])
        rows = rows + _scattered(weights, lower, count) @ rows[chin]
    free = np.flatnonzero(template.body & ~found & ~on_bone)
    if len(free) == 0:
        return rows.tocsr()
    degree = np.asarray(links.sum(1)).ravel()
    inner = sp.csc_array(sp.diags_array(degree[free] + 1e-9) - links[free][:, free])
    known = np.setdiff1d(np.arange(count), free)
    border = np.intersect1d(known, links[free].indices)
    solution = linalg.splu(inner).solve(links[free][:, border].toarray())
    return (rows + _scattered(solution, free, count) @ rows[border]).tocsr()


def _scattered(block: Floats, index: Ints, count: int) -> sp.csr_array:
    """A block [P, Q] as the given rows of a matrix [count, Q]."""
    return sp.csr_array(sp.csc_array(sp.eye_array(count))[:, index] @ sp.csr_array(block))


def _behind_lips(template: Template) -> Floats:
    """[S] metres behind the front of the lips, 0 outside the mouth."""
    x, y, z = template.vertices.T
    front = template.vertices[template.lips_upper, 2].max()
    inside = template.body & ~template.outer & (np.abs(x) < 0.04) & (y < 0.0)
    return np.where(inside, front - z, 0.0)


def _chin(template: Template) -> Bools:
    """[S] outer skin that moves with the jaw as if it were bone."""
    opened = template.head.unit("jawOpen").double().numpy()
    teeth = template.head.group_vertices("lower-teeth").numpy()
    jaw = affine_weights(template.vertices[teeth], template.vertices) @ opened[teeth]
    low = template.vertices[:, 1] < template.vertices[template.lips_lower, 1].min() - CHIN_BELOW
    apart = np.linalg.norm(opened - jaw, axis=1)
    return template.outer & low & (apart < ON_JAW * np.linalg.norm(jaw, axis=1))


def _with_parts(pair: RegisteredPair, classes: Ints, skin: sp.csr_array) -> sp.csr_array:
    """The rows of the skin, and those of teeth, tongue, eyeballs and lashes."""
    template, head = pair.template, pair.template.head
    rows, count = skin, len(pair.fitted)
    for name in head.group_names:
        part = head.group_vertices(name).numpy()
        if name in PARTS:
            own = np.flatnonzero(classes == PARTS[name])
            rows = rows + _part_rows(pair, skin, name, part, own)
        elif "lashes" in name:
            rows = rows + _scattered(np.eye(len(part)), part, count) @ skin[_lid_of(template, part)]
    return rows.tocsr()


def _lid_of(template: Template, lashes: Ints) -> Ints:
    """For each lash vertex the nearest one of the skin that blinks as it does."""
    blink = sum(template.head.unit(f"eyeBlink{side}").double() for side in ("Left", "Right"))
    ways = np.concatenate([template.vertices, np.asarray(blink)], axis=1)
    skin = np.flatnonzero(template.outer)
    return skin[KDTree(ways[skin]).query(ways[lashes])[1]]


def _part_rows(
    pair: RegisteredPair, skin: sp.csr_array, name: str, part: Ints, own: Ints
) -> sp.csr_array:
    """[S, V] rows of one part: as the mesh's own moves, else with the jaw or the skull."""
    count = len(pair.fitted)
    if len(own) and name == "tongue":
        faces = pair.faces[np.isin(pair.faces, own).all(1)]
        hit = closest(face_tree(pair.vertices, faces), pair.fitted[part])
        rows = _rows(faces, hit, len(pair.vertices))
        return sp.csr_array(_scattered(np.eye(len(part)), part, count) @ rows)
    if len(own):
        weights = affine_weights(pair.vertices[own], pair.fitted[part])
        picked = sp.csr_array(sp.eye_array(len(pair.vertices)))[own]
        return _scattered(weights, part, count) @ picked
    chin = _chin(pair.template)
    if name in ("lower-teeth", "tongue") and chin.any():
        weights = affine_weights(pair.fitted[chin], pair.fitted[part])
        return _scattered(weights, part, count) @ skin[chin]
    return sp.csr_array((count, len(pair.vertices)))
