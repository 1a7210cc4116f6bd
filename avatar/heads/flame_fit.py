"""Fit FLAME's expression and the poses of jaw and eyes to a motion of its vertices."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.similarity import Misfit, fit_rotations, mean_misfit, misfits
from avatar.heads.flame_model import (
    EXPRESSIONS,
    JAW,
    LEFT_EYEBALL,
    RIGHT_EYEBALL,
    SHAPES,
    FlameModel,
    FlameParameters,
)
from avatar.heads.flame_parameters import still, write_flame_parameters
from avatar.heads.head import FLAME_TEETH, SIZES


def eye_turns(ahead: Tensor, seen: Tensor) -> Tensor:
    """Rotations [f, 2, 3, 3] of the left and the right eyeball from vertices [f, V, 3] that look
    ahead to those that were seen."""
    found = []
    for eyeball in (LEFT_EYEBALL, RIGHT_EYEBALL):
        part = slice(eyeball.start, eyeball.stop)
        source, target = (v[:, part] - v[:, part].mean(1, keepdim=True) for v in (ahead, seen))
        found.append(fit_rotations(source, target))
    return torch.stack(found, 1)


def turned_eyes(ahead: Tensor, turns: Tensor) -> Tensor:
    """Vertices [f, V, 3] with both eyeballs turned by [f, 2, 3, 3] about their middles."""
    moved = ahead.clone()
    for number, eyeball in enumerate((LEFT_EYEBALL, RIGHT_EYEBALL)):
        part = slice(eyeball.start, eyeball.stop)
        middle = ahead[:, part].mean(1, keepdim=True)
        moved[:, part] = (ahead[:, part] - middle) @ turns[:, number].transpose(1, 2) + middle
    return moved


NOISE = 1e-4  # metres, deviation of a vertex: the prior's weight, expressions having variance 1
STEPS = 20
ENOUGH = 1e-6  # radians: a smaller step of the jaw ends the search
AXES = torch.tensor(
    [
        [[0.0, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
        [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
    ],
    dtype=torch.float64,
)
"""Derivatives [3, 3, 3] of a small rotation by its angles about x, y and z."""


@dataclass(frozen=True)
class _Problem:
    """One head's least squares; float64."""

    rest: Tensor  # [V, 3]
    expressions: Tensor  # [3 V, 100]
    weights: Tensor  # [3 V] 1, but 0 on the eyeballs, which turn by themselves
    inverse: Tensor  # [100, 100] of the expressions' normal matrix and the prior
    corrections: Tensor  # [3 V, 9] by the entries of the jaw's rotation less the identity
    share: Tensor  # [V, 1] skinning weight of the jaw
    joint: Tensor  # [1, V] regressor of the jaw's joint


def fit_flame(
    model: FlameModel, rest: Tensor, chunks: Iterable[Tensor], lips: Tensor
) -> tuple[FlameParameters, Misfit]:
    """Fit offsets [f, V, 3] from the rest mesh [V, 3] of a subject, each frame by itself:
    expression, jaw and eyes; the other parameters are zero.

    Gauss-Newton on the jaw's rotation, with the eyeballs left out, which are turned afterwards; the
    expression, which is linear where the jaw is undone, is solved for in every step (variable
    projection). lips: vertices whose misfit is measured.
    """
    problem = _problem(model, rest.double())

    def fitted() -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        for offsets in chunks:
            expression, turn = _fit(problem, offsets.double())
            ahead = _posed(problem, expression, turn)[0]
            eyes = eye_turns(ahead, problem.rest + offsets.double())
            apart = misfits(offsets, turned_eyes(ahead, eyes) - problem.rest, lips)
            angles = matrix_to_axis_angle(eyes).flatten(1).float()
            yield expression.float(), matrix_to_axis_angle(turn).float(), angles, apart

    *parts, apart = zip(*fitted(), strict=True)
    expressions, jaws, eyes = map(torch.cat, parts)
    found = still(torch.zeros(SHAPES), None, len(jaws))
    return replace(found, expression=expressions, jaw=jaws, eyes=eyes), mean_misfit(apart)


def write_flame_motion(path: Path, motion: FlameParameters, head_pose: Tensor) -> None:
    """Write what GaussianAvatars takes as --motion_path: float32, one row for each frame; the shape
    is the mean head's.

    head_pose [F, 4, 4]: its rotation becomes the neck's. The file appears whole or not at all.
    """
    posed = replace(motion, neck=matrix_to_axis_angle(head_pose[:, :3, :3]))
    write_flame_parameters(path, posed, SIZES[FLAME_TEETH][0])


def matrix_to_axis_angle(rotations: Tensor) -> Tensor:
    """Axis-angle [..., 3] in radians of rotations [..., 3, 3] by less than half a turn."""
    skew = (rotations - rotations.transpose(-1, -2)) / 2
    axis = torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], -1)
    sine = axis.norm(dim=-1, keepdim=True)
    cosine = (rotations.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True) - 1) / 2
    angle = torch.atan2(sine, cosine)
    return axis * torch.where(sine > 1e-7, angle / sine.clamp(min=1e-7), torch.ones_like(sine))


def _problem(model: FlameModel, rest: Tensor) -> _Problem:
    model = model.to(torch.float64)
    expressions = model.expression_directions.flatten(0, 1)
    weights = torch.ones(len(rest), 1, dtype=torch.float64)
    weights[[*LEFT_EYEBALL, *RIGHT_EYEBALL]] = 0
    weights = weights.expand(-1, 3).flatten()
    prior = NOISE**2 * torch.eye(EXPRESSIONS, dtype=torch.float64)
    normal = expressions.T @ (weights[:, None] * expressions) + prior
    entries = slice(9 * (JAW - 1), 9 * JAW)
    return _Problem(
        rest,
        expressions,
        weights,
        torch.linalg.inv(normal),
        model.pose_directions[..., entries].flatten(0, 1),
        model.weights[:, JAW, None],
        model.joint_regressor[JAW, None],
    )


def _posed(problem: _Problem, expression: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
    """FLAME with nothing but an expression [f, 100] and a rotation [f, 3, 3] of the jaw: vertices
    [f, V, 3], and what the jaw turns about its joint, [f, V, 3]. A case of `flame_vertices`."""
    shaped = problem.rest + (expression @ problem.expressions.T).unflatten(1, (-1, 3))
    joint = problem.joint @ shaped  # [f, 1, 3]
    corrected = shaped + _corrections(problem, turn - torch.eye(3, dtype=turn.dtype))
    arm = corrected - joint
    turned = arm @ turn.transpose(1, 2) + joint
    return torch.lerp(corrected, turned, problem.share), arm


def _corrections(problem: _Problem, turn: Tensor) -> Tensor:
    """Offsets [f, V, 3] that the entries of a matrix [f, 3, 3] call for."""
    return (turn.flatten(1) @ problem.corrections.T).unflatten(1, (-1, 3))


def _fit(problem: _Problem, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Expression [f, 100] and rotation of the jaw [f, 3, 3] for offsets [f, V, 3]."""
    target = problem.rest + offsets
    expression = offsets.new_zeros(len(offsets), EXPRESSIONS)
    turn = torch.eye(3, dtype=offsets.dtype).repeat(len(offsets), 1, 1)
    for _ in range(STEPS):
        change, angles = _step(problem, expression, turn, target)
        expression, turn = expression + change, axis_angle_to_matrix(angles) @ turn
        if angles.abs().max() < ENOUGH:
            break
    return expression, turn


def _step(
    problem: _Problem, expression: Tensor, turn: Tensor, target: Tensor
) -> tuple[Tensor, Tensor]:
    """One step of Gauss-Newton: changes of the expression [f, 100] and angles [f, 3] by which the
    jaw turns on. All residuals are turned back by the jaw's rotation."""
    E, inverse = problem.expressions, problem.inverse
    posed, arm = _posed(problem, expression, turn)
    back = _turn_back(problem, turn)  # [f, V, 3, 3]
    residual = problem.weights * (back @ (target - posed)[..., None]).flatten(1)  # [f, 3 V]
    slopes = (back @ _slopes(problem, turn, arm)).flatten(1, 2)  # [f, 3 V, 3]
    slopes = problem.weights[:, None] * slopes
    pull = residual @ E - NOISE**2 * expression  # [f, 100]
    shared = E.T @ slopes  # [f, 100, 3]
    solved = inverse @ shared
    normal = slopes.transpose(1, 2) @ slopes - shared.transpose(1, 2) @ solved  # [f, 3, 3]
    right = (residual[:, None] @ slopes)[:, 0] - (pull[:, None] @ solved)[:, 0]  # [f, 3]
    angles = torch.linalg.solve(normal, right[..., None])  # [f, 3, 1]
    return pull @ inverse - (solved @ angles)[..., 0], angles[..., 0]


def _slopes(problem: _Problem, turn: Tensor, arm: Tensor) -> Tensor:
    """Derivatives [f, V, 3, 3] of the vertices by the angles of a further turn, last."""
    slopes = []
    for axis in AXES:
        change = axis @ turn
        corrected = _corrections(problem, change)
        turned = arm @ change.transpose(1, 2) + corrected @ turn.transpose(1, 2)
        slopes.append(torch.lerp(corrected, turned, problem.share))
    return torch.stack(slopes, -1)


def _turn_back(problem: _Problem, turn: Tensor) -> Tensor:
    """[f, V, 3, 3] the transpose of what skinning makes of the jaw's rotation [f, 3, 3], which is
    nearly a rotation."""
    eye = torch.eye(3, dtype=turn.dtype)
    return eye + problem.share[..., None] * (turn.transpose(1, 2) - eye)[:, None]
