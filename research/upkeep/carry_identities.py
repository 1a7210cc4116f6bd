"""The shape space of anny-head: modes of ICT-FaceKit, already on its face, and before them shifts
from its own mean face to those of real heads, of ICT-FaceKit and of Google's GNM Head.
"""

from pathlib import Path

import numpy as np
import torch

from avatar.geometry.similarity import fit_similarity
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Floats, Ints
from avatar.heads import Head
from avatar.heads.shape_space import extended, mean_face
from avatar.people.subject import sealed
from avatar.retarget.registration import register
from avatar.retarget.template import template_of
from common.arrays import pick, pick_floats, read_arrays
from common.errors import InputError

KEPT = 50  # modes of ICT-FaceKit
FACE = 0.5  # weight from which a vertex of the template belongs to the face


def shape_space(head: Head, ict: Path, gnm: Path) -> Floats:
    """Modes [M, V, 3] in metres, with coefficients from N(0, 1): the shifts, then the modes.

    ict: .npz of a face on anny-head: `vertex` [P], `modes` [50 or more, P, 3] in metres per
    standard deviation and the mean face, `neutral` [P, 3]; gnm: gnm_head.npz. Raises InputError.
    """
    vertex, people, modes = read_ict(head, ict)
    outer, mesh = np.flatnonzero(template_of(head).outer), read_gnm(gnm)
    others = register(head, mesh).fitted.double().numpy()[outer]
    shifts = [shift_to(head, outer, others), shift_to(head, vertex, people)]
    return np.concatenate([np.stack(shifts), extended(head, vertex, modes)])


def read_ict(head: Head, path: Path) -> tuple[Ints, Floats, Floats]:
    """Vertices of anny-head [P], the mean face [P, 3] and its modes [KEPT, P, 3]."""
    arrays = read_arrays(path)
    vertex = pick(path, arrays, "vertex").astype(np.int64)
    if vertex.ndim != 1 or vertex.min() < 0 or vertex.max() >= len(head.vertices):
        raise InputError(f"{path}: 'vertex' does not name vertices of anny-head")
    modes = pick_floats(path, arrays, "modes", (len(vertex), 3)).astype(np.float64)
    if len(modes) < KEPT:
        raise InputError(f"{path}: 'modes' holds {len(modes)}; at least {KEPT} are needed")
    people = pick_floats(path, arrays, "neutral", (3,)).astype(np.float64)
    if len(people) != len(vertex):
        raise InputError(f"{path}: 'neutral' must have a point for each of 'vertex'")
    return vertex, people, modes[:KEPT]


def read_gnm(path: Path) -> Mesh:
    """The skin of the mean head in gnm_head.npz."""
    arrays = read_arrays(path)
    points = pick_floats(path, arrays, "template_vertex_positions", (3,))
    faces = pick(path, arrays, "triangles").astype(np.int64)
    groups = [str(name) for name in pick(path, arrays, "vertex_group_names")]
    if "skin" not in groups:
        raise InputError(f"{path}: 'vertex_group_names' has no skin; give gnm_head.npz of GNM v3")
    skin = pick(path, arrays, "vertex_groups")[groups.index("skin")] > 0.5  # [V]
    number = np.cumsum(skin) - 1
    return Mesh(torch.from_numpy(points[skin]), torch.from_numpy(number[faces[skin[faces].all(1)]]))


def shift_to(head: Head, vertex: Ints, people: Floats) -> Floats:
    """What [V, 3] leads from the mean face of anny-head to the one that has some of its vertices
    [P] at points [P, 3] of any space, and is laid onto it by a similarity of the faces; lips stay
    shut."""
    template, whole = template_of(head), mean_face()
    mean = whole.double().numpy()[vertex]
    face = (template.outer & (template.weight > FACE))[vertex]
    laid = fit_similarity(people[face], mean[face]).apply(people)
    shift = torch.from_numpy(extended(head, vertex, (laid - mean)[None])[0])
    return (sealed(head, whole + shift) - sealed(head, whole)).double().numpy()
