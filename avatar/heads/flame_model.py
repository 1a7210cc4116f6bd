"""FLAME: a head as a function of shape, expression and the pose of five joints.

Li et al., "Learning a model of facial shape and expression from 4D scans", SIGGRAPH Asia 2017,
equations 1 to 4; offsets and their order as in GaussianAvatars. Files of FLAME 2020, 2023 and 2023
Open are read, as .pkl or .npz, without running what is inside.

The vertex numbers are common to all versions. The rings of the lips and the teeth's rows are those
of GaussianAvatars (flame_model/flame.py), the corners of the eyes and the bridge of the nose are
published with several trackers; the line on which the closed lips touch, the tip of the nose and
the chin were read off the numbering itself. Rings run from the subject's left to the right, lists
called `..._PAIRS` from the right (-x) to the left (+x), as in every head of this project.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.records import mapped
from avatar.geometry.rotations import axis_angle_to_matrix
from common.arrays import read_arrays
from common.errors import InputError, check_file
from common.restricted_pickle import read_pickle

VERTICES, FACES = 5023, 9976
TEETH_VERTICES, TEETH_FACES = 120, 168
SHAPES, EXPRESSIONS, POSES = 300, 100, 36
PARENTS = (-1, 0, 1, 1, 1)
"""The joints are root, neck, jaw, left eye, right eye."""
ROOT, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(5)

LEFT_EYEBALL, RIGHT_EYEBALL = range(3931, 4477), range(4477, 5023)

LIP_OUTER_UPPER = (
    *(1713, 1715, 1716, 1735, 1696, 1694, 1657, 3543),
    *(2774, 2811, 2813, 2850, 2833, 2832, 2830),
)
LIP_OUTER_LOWER = (
    *(1576, 1577, 1773, 1774, 1795, 1802, 1865, 3503),
    *(2948, 2905, 2898, 2881, 2880, 2713, 2712),
)
"""Where skin turns to lip; the teeth are built from these two rings."""

LIP_RIM_UPPER = (
    *(1595, 1746, 1747, 1742, 1739, 1665, 1666, 3514),
    *(2783, 2782, 2854, 2857, 2862, 2861, 2731),
)
LIP_RIM_LOWER = (
    *(1572, 1573, 1860, 1862, 1830, 1835, 1852, 3497),
    *(2941, 2933, 2930, 2945, 2943, 2709, 2708),
)
LIP_RIM_CORNERS = (1594, 2730)
"""Left and right; with the two lists above, the edge at which the mesh ends within the mouth."""

LIP_PAIRS = (
    *((2839, 2717), (2835, 2716), (2836, 2891), (2863, 2890), (2855, 2892), (2784, 2928)),
    *((2785, 2937), (3533, 3509), (1668, 1848)),
    *((1667, 1826), (1740, 1789), (1748, 1787), (1719, 1788), (1718, 1580), (1722, 1581)),
)
"""Vertices of the upper and of the lower lip that touch where the closed lips meet."""

LANDMARKS = {
    "nose_tip": 3564,
    "nose_bridge": 3555,
    "chin": 3400,
    "left_eye_outer": 1142,
    "left_eye_inner": 3828,
    "right_eye_inner": 3620,
    "right_eye_outer": 2419,
    "left_mouth_corner": 1579,
    "right_mouth_corner": 2715,
    "upper_lip_middle": 3533,
    "lower_lip_middle": 3509,
    "left_ear": 243,
}
"""Points of the face by name; left is the subject's left, +x. The lips' middles are where the
closed lips meet, the ear's point is its outermost."""


@dataclass(frozen=True)
class FlameModel:
    """The arrays of a FLAME file; V is 5,023, or 5,143 with GaussianAvatars' teeth."""

    template: Tensor  # [V, 3] the mean head, metres
    faces: Tensor  # [M, 3] int64
    shape_directions: Tensor  # [V, 3, 300]
    expression_directions: Tensor  # [V, 3, 100]
    pose_directions: Tensor  # [V, 3, 36] by the entries of four rotations less the identity
    joint_regressor: Tensor  # [5, V] joints from the vertices of the unposed head
    weights: Tensor  # [V, 5] skinning: root, neck, jaw, left eye, right eye

    def to(self, to: torch.device | torch.dtype) -> "FlameModel":
        """The same model on another device or in another precision."""
        whole = self.faces if isinstance(to, torch.dtype) else None
        return mapped(self, lambda values: values if values is whole else values.to(to))

    @property
    def topology(self) -> str:
        return "flame" if len(self.template) == VERTICES else "flame-teeth"


@dataclass(frozen=True)
class FlameParameters:
    """What poses FLAME; leading dimensions broadcast, so one shape serves many frames."""

    shape: Tensor  # [..., 300]
    expression: Tensor  # [..., 100]
    rotation: Tensor  # [..., 3] axis-angle of the whole head, radians
    neck: Tensor  # [..., 3]
    jaw: Tensor  # [..., 3]
    eyes: Tensor  # [..., 6] left, then right
    translation: Tensor  # [..., 3] metres
    static_offset: Tensor | None = None  # [..., V, 3] metres, of the person
    dynamic_offset: Tensor | None = None  # [..., V, 3] metres, of the frame


def neutral(**given: Any) -> FlameParameters:
    """Parameters that are zero wherever none are given."""
    sizes = {"shape": SHAPES, "expression": EXPRESSIONS, "eyes": 6}
    names = ("shape", "expression", "rotation", "neck", "jaw", "eyes", "translation")
    like = next((value for value in given.values() if value is not None), torch.zeros(1))
    zeros = {name: like.new_zeros(sizes.get(name, 3)) for name in names}
    return FlameParameters(**zeros | given)


def flame_vertices(model: FlameModel, parameters: FlameParameters) -> Tensor:
    """The posed head [..., V, 3] in metres."""
    p = parameters
    head = shaped(model, p.shape) + _blend(model.expression_directions, p.expression)
    for offset in (p.static_offset, p.dynamic_offset):
        if offset is not None:
            head = head + offset
    parts = (p.rotation, p.neck, p.jaw, p.eyes[..., :3], p.eyes[..., 3:])
    turns = axis_angle_to_matrix(torch.stack(torch.broadcast_tensors(*parts), -2))  # [..., 5, 3, 3]
    joints = model.joint_regressor @ head  # [..., 5, 3]
    unturned = torch.eye(3, dtype=turns.dtype, device=turns.device)
    feature = (turns[..., 1:, :, :] - unturned).flatten(-3)  # [..., 36]
    posed = head + _blend(model.pose_directions, feature)
    motions = _joint_motions(turns, joints)  # [..., 5, 3, 4]
    by_vertex = torch.einsum("vj,...jab->...vab", model.weights, motions)
    posed = (by_vertex[..., :3] @ posed[..., None])[..., 0] + by_vertex[..., 3]
    return posed + p.translation[..., None, :]


def shaped(model: FlameModel, shape: Tensor) -> Tensor:
    """The head [..., V, 3] of a shape [..., 300], not posed, without expression."""
    return model.template + _blend(model.shape_directions, shape)


def _blend(directions: Tensor, coefficients: Tensor) -> Tensor:
    """[..., V, 3] the sum of directions [V, 3, K] by coefficients [..., K]."""
    flat = coefficients @ directions.flatten(0, 1).T
    return flat.unflatten(-1, directions.shape[:2])


def _joint_motions(turns: Tensor, joints: Tensor) -> Tensor:
    """[..., 5, 3, 4] the motion of each joint from the unposed head: a rotation about its own
    position, then the motion of the joint above it."""
    turns = turns.expand(*torch.broadcast_shapes(turns.shape[:-3], joints.shape[:-2]), -1, -1, -1)
    rotations, shifts = [], []
    for joint, parent in enumerate(PARENTS):
        position, turn = joints[..., joint, :, None], turns[..., joint, :, :]
        shift = position - turn @ position  # [..., 3, 1] about the joint alone
        if parent >= 0:
            shift = rotations[parent] @ shift + shifts[parent]
            turn = rotations[parent] @ turn
        rotations.append(turn)
        shifts.append(shift)
    return torch.cat([torch.stack(rotations, -3), torch.stack(shifts, -3)], -1)


ADVICE = "use FLAME's own generic_model.pkl or flame2023.pkl from flame.is.tue.mpg.de"
_SHAPES: dict[str, tuple[int, ...]] = {
    "v_template": (VERTICES, 3),
    "f": (FACES, 3),
    "shapedirs": (VERTICES, 3, SHAPES + EXPRESSIONS),
    "posedirs": (VERTICES, 3, POSES),
    "J_regressor": (len(PARENTS), VERTICES),
    "kintree_table": (2, len(PARENTS)),
    "weights": (VERTICES, len(PARENTS)),
}


def load_flame(path: Path) -> FlameModel:
    """A FLAME file as float32 tensors.

    Raises FileNotFoundError where there is none, InputError that names the array that is missing
    or is not FLAME's.
    """
    arrays = _read(Path(path))
    checked = {name: _checked(path, arrays, name) for name in _SHAPES}
    parents = checked["kintree_table"][0, 1:].astype(np.int64)
    if tuple(parents) != PARENTS[1:]:
        raise InputError(f"{path}: 'kintree_table' is not FLAME's tree of five joints; {ADVICE}")
    faces = checked["f"].astype(np.int64)
    if faces.min() < 0 or faces.max() >= VERTICES:
        raise InputError(f"{path}: 'f' names vertices that FLAME does not have; {ADVICE}")
    directions = _tensor(checked["shapedirs"])
    return FlameModel(
        template=_tensor(checked["v_template"]),
        faces=torch.from_numpy(faces),
        shape_directions=directions[..., :SHAPES].clone(),
        expression_directions=directions[..., SHAPES:].clone(),
        pose_directions=_tensor(checked["posedirs"]),
        joint_regressor=_tensor(checked["J_regressor"]),
        weights=_tensor(checked["weights"]),
    )


def _read(path: Path) -> Mapping[str, Any]:
    check_file(path, advice=ADVICE)
    arrays = read_arrays(path) if path.suffix == ".npz" else read_pickle(path)
    if not isinstance(arrays, dict):
        raise InputError(f"{path}: holds no arrays by name, so it is no FLAME model; {ADVICE}")
    return arrays


def _checked(path: Path, arrays: Mapping[str, Any], name: str) -> np.ndarray:
    array, shape = arrays.get(name), _SHAPES[name]
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise InputError(f"{path}: holds no array of numbers {name!r}; {ADVICE}")
    if array.shape != shape:
        raise InputError(
            f"{path}: {name!r} has shape {list(array.shape)} where FLAME's has {list(shape)}; "
            f"{ADVICE}"
        )
    if not np.isfinite(array).all():
        raise InputError(f"{path}: {name!r} holds values that are no numbers; {ADVICE}")
    return array


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
