"""ARKit units of anny-head from the expression shapes of ICT-FaceKit, carried over by registering
its neutral face; see avatar/heads/data/NOTICE.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from scipy.sparse import linalg
from scipy.spatial import KDTree

from avatar.geometry.edges import adjacency
from avatar.geometry.triangle_mesh import Mesh, face_normals
from avatar.geometry.vectors import Floats, Ints, smoothstep
from avatar.heads import Head, eyeball
from avatar.heads.head import CLEARANCE, REACH
from avatar.retarget.backward import transfer_from
from avatar.retarget.operator import Transfer
from avatar.retarget.registration import register
from avatar.retarget.template import template_of
from common.arrays import pick, pick_floats, read_arrays
from common.errors import InputError

MIX: Mapping[str, tuple[float, float]] = {
    "browDown": (0.7, 0.7),
    "browInnerUp": (0.0, 1.0),
    "browOuterUp": (0.6, 0.6),
    "cheekPuff": (0.6, 0.6),
    "cheekSquint": (0.0, 1.0),
    "mouthDimple": (0.0, 1.0),
    "mouthFrown": (0.7, 0.7),
    "mouthFunnel": (0.0, 1.2),
    "mouthLeft": (0.0, 1.0),
    "mouthLowerDown": (0.0, 1.4),
    "mouthPress": (0.0, 1.5),
    "mouthPucker": (0.2, 0.8),
    "mouthRight": (0.0, 1.0),
    "mouthRollLower": (0.25, 0.75),
    "mouthShrugLower": (0.5, 0.5),
    "mouthStretch": (0.7, 0.7),
    "mouthUpperUp": (0.5, 0.7),
    "noseSneer": (0.0, 1.0),
}
"""How much of the head's own unit and of ICT-FaceKit's shape a unit is, by its name without the
side; units that are not named stay the head's own."""
PARTING = (
    *("mouthFunnel", "mouthLowerDown", "mouthUpperUp"),
    *("mouthRollLower", "mouthShrugLower"),
)
"""Units in which the lips leave each other; in all others they stay sealed."""
SIDES = {"Left": "_L", "Right": "_R"}
SKIN = 11248  # the first vertices of ICT-FaceKit's mesh: face, head and neck
BONE = 0.03  # metres behind the lips, where the lining of the mouth is still
NOSTRILS, LIPS = -0.025, -0.042  # metres: heights between which a sneer fades away
EASINGS = 40  # steps in which triangles that are turned over are turned back
STILL, MOVED = 5e-5, 2.5e-4  # metres: less motion than this is none, more is all kept
STEP = 5e-5  # metres to which offsets are rounded


def packed_units(units: Mapping[str, Floats]) -> dict[str, NDArray]:
    """The arrays of a file of units [V, 3] in metres, by their names: whole numbers of a step."""
    steps = np.round(np.stack(list(units.values())) / STEP).astype(np.int16)
    return {"unit_names": np.array(list(units)), "units": steps, "step": np.array(STEP)}


def carried_units(head: Head, source: Path) -> dict[str, Floats]:
    """The units [V, 3] in metres that MIX makes of `head`'s own and of the shapes in a file, by
    ARKit's names.

    source: .npz with `neutral` [I, 3], `faces` [M, 3], `names` [S] and `deltas` [S, I, 3] of
    ICT-FaceKit. Raises InputError.
    """
    shapes = _carried(head, source)
    names = [name for name in head.unit_names if without_side(name) in MIX]
    if missing := [name for name in names if name not in shapes]:
        raise InputError(f"{source}: 'names' has no shape for {missing[0]}")
    mirror = mirror_image(head)
    units = {}
    for name in names:
        own, other = MIX[without_side(name)]
        one, opposite = (
            own * head.unit(side).double().numpy() + other * shapes[side]
            for side in (name, swapped(name))
        )
        units[name] = _mended(head, name, (one + opposite[mirror] * [-1, 1, 1]) / 2)
    return units


def _carried(head: Head, source: Path) -> dict[str, Floats]:
    """All shapes [V, 3] of a file on a head, by ARKit's names."""
    arrays = read_arrays(source)
    neutral = pick_floats(source, arrays, "neutral", (3,)).astype(np.float64)
    faces = pick(source, arrays, "faces").astype(np.int64)
    names = pick(source, arrays, "names").tolist()
    deltas = pick_floats(source, arrays, "deltas", neutral.shape).astype(np.float64)
    if len(names) != len(deltas):
        raise InputError(f"{source}: 'deltas' holds {len(deltas)} shapes, 'names' {len(names)}")
    faces = faces[(faces < SKIN).all(1)]
    mesh = Mesh(torch.from_numpy(neutral[:SKIN]), torch.from_numpy(faces))
    transfer = transfer_from(head, mesh, register(head, mesh).fitted)
    moved = transfer.offsets(torch.from_numpy(deltas[:, :SKIN])).numpy()
    return _by_arkit_names(names, _inside_followed(head, transfer, moved))


def _by_arkit_names(names: Sequence[str], shapes: Floats) -> dict[str, Floats]:
    """Shapes [S, V, 3] by ARKit's names, with `_L` and `_R` as sides; both sides' sum too."""
    found: dict[str, Floats] = {}
    for name, shape in zip(names, shapes, strict=True):
        plain = name.removesuffix("_L").removesuffix("_R")
        side = next((side for side, tag in SIDES.items() if name.endswith(tag)), "")
        found[plain + side] = shape
        if side:
            found[plain] = found.get(plain, 0.0) + shape
    return found


def _inside_followed(head: Head, transfer: Transfer, offsets: Floats) -> Floats:
    """Offsets [S, V, 3] with eyeballs, teeth and tongue still, and with the lining of the mouth
    harmonic between the lips and the bone."""
    template = template_of(head)
    found = template.body & (np.diff(transfer.weights.indptr) <= 3)
    behind = template.vertices[template.lips_upper, 2].max() - template.vertices[:, 2]
    bone = head.regions["inner_mouth"].numpy()
    bone = np.setdiff1d(bone[behind[bone] > BONE], np.flatnonzero(found))
    still = ~template.body
    for name in head.group_names:
        if "lashes" in name:
            still[head.group_vertices(name)] = False
    still[bone] = True
    free = np.flatnonzero(template.body & ~found & ~still)
    offsets = np.where(still[:, None], 0.0, offsets)
    links = adjacency(template.skin_faces, len(still))
    offsets[:, free] = _harmonic(links, free, offsets)
    return offsets


def _harmonic(links: sp.csr_array, free: Ints, values: Floats) -> Floats:
    """[S, n, 3] of the free vertices [n], each the mean of its neighbours; the others as given."""
    degree = np.asarray(links.sum(1)).ravel()[free]
    inner = sp.csc_array(sp.diags_array(degree + 1e-9) - links[free][:, free])
    known = values.copy()
    known[:, free] = 0
    flat = known.transpose(1, 0, 2).reshape(values.shape[1], -1)
    solved = linalg.splu(inner).solve(links[free] @ flat)
    return solved.reshape(len(free), len(values), 3).transpose(1, 0, 2)


def _mended(head: Head, name: str, unit: Floats) -> Floats:
    """A unit [V, 3] with lips and lids where they belong, and still at the neck's end and where it
    hardly moves."""
    unit = unit * head.pose_weights.double().numpy()[:, None]
    if without_side(name) == "noseSneer":
        unit = unit * _above_the_lip(head)
    if without_side(name) not in PARTING:
        unit = _sealed(head, unit)
    unit = _clear_of_the_eyes(head, _unfolded(head, unit))
    length = np.linalg.norm(unit, axis=1, keepdims=True)
    return unit * smoothstep(STILL, MOVED, length)


def _above_the_lip(head: Head) -> Floats:
    """[V, 1] 1 from the nostrils up, 0 from the red of the lips down."""
    return smoothstep(LIPS, NOSTRILS, template_of(head).vertices[:, 1:2])


def _sealed(head: Head, unit: Floats) -> Floats:
    """A unit [V, 3] in which paired points of the lips move alike, and the skin by them with
    them."""
    template = template_of(head)
    order = np.argsort(template.vertices[template.lips_upper, 0])
    upper, lower = template.lips_upper[order], template.lips_lower[order]
    steps, count = np.arange(len(upper)), 20 * len(upper)
    fine = np.linspace(0, len(upper) - 1, count)

    def dense(values: Floats) -> Floats:
        return np.stack([np.interp(fine, steps, axis) for axis in values.T], axis=1)

    distance, nearest = KDTree(dense(template.vertices[upper])).query(template.vertices)
    half_gap = dense((unit[upper] - unit[lower]) / 2)[nearest]
    share = np.exp(-0.5 * (distance / REACH) ** 2) * np.where(template.upper, -1, 1)
    share[~template.body] = 0
    sealed = unit + share[:, None] * half_gap
    sealed[upper] = sealed[lower] = (unit[upper] + unit[lower]) / 2
    return sealed


def _unfolded(head: Head, unit: Floats) -> Floats:
    """A unit [V, 3] in which no triangle of the outer skin is turned over: those that are and
    those around come nearer to their neighbours."""
    template = template_of(head)
    faces = template.skin_faces[template.outer[template.skin_faces].all(1)]
    links = adjacency(faces, len(unit))
    degree = np.asarray(links.sum(1)).ravel()
    before, eased = face_normals(template.vertices, faces), unit.copy()
    for _ in range(EASINGS):
        turned = (face_normals(template.vertices + eased, faces) * before).sum(1) < 0
        if not turned.any():
            break
        index = np.unique(faces[np.isin(faces, faces[turned]).any(1)])
        eased[index] += 0.5 * ((links[index] @ eased) / degree[index, None] - eased[index])
    return eased


def _clear_of_the_eyes(head: Head, unit: Floats) -> Floats:
    """A unit [V, 3] that brings no skin nearer to the eyeballs than it rests, or than they need."""
    vertices, moved = head.vertices.double().numpy(), unit.copy()
    skin = template_of(head).body
    for group in ("l-eye", "r-eye"):
        centre, radius = (part.double().numpy() for part in eyeball(head, head.vertices, group))
        at_rest = np.linalg.norm(vertices - centre, axis=1)
        least = np.minimum(at_rest, radius + CLEARANCE)
        away = vertices + moved - centre
        distance = np.linalg.norm(away, axis=1)
        push = np.where(skin, np.maximum(least - distance, 0), 0)
        moved += away / distance[:, None] * push[:, None]
    return moved


def mirror_image(head: Head) -> Ints:
    """For each vertex [V] the one on the other side of the face; lips that touch are told apart by
    how they open."""
    opened = head.unit("jawOpen").double().numpy()
    places = np.concatenate([head.vertices.double().numpy(), opened], 1)
    return np.asarray(KDTree(places).query(places * [-1, 1, 1, -1, 1, 1])[1])


def swapped(name: str) -> str:
    """A unit's name with the other side."""
    for one, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(one):
            return name.removesuffix(one) + other
    return name


def without_side(name: str) -> str:
    """mouthLeft and mouthRight are no sides of one unit."""
    if name in MIX:
        return name
    return name.removesuffix("Left").removesuffix("Right")
