"""GaussianAvatars' teeth: two rows that FLAME lacks, built from the rings of its lips.

Facts of GaussianAvatars' flame_model/flame.py: places, numbering, faces, motion. A row is a band
with a front, a back and a biting edge, each a strip of 14 quads from the subject's left to right.
"""

from dataclasses import replace

import torch
from torch import Tensor

from avatar.flame.indices import JAW, LIP_OUTER_LOWER, LIP_OUTER_UPPER, NECK, VERTICES
from avatar.flame.model import FlameModel

COLUMNS = 15
ROWS = {
    name: range(VERTICES + k * COLUMNS, VERTICES + (k + 1) * COLUMNS)
    for k, name in enumerate(
        (
            *("upper root", "lower root", "upper edge", "lower edge"),
            *("upper root back", "upper edge back", "lower root back", "lower edge back"),
        )
    )
}
"""Vertices of each row, after FLAME's own."""
UPPER_TEETH = tuple(v for name, row in ROWS.items() if "upper" in name for v in row)
LOWER_TEETH = tuple(v for name, row in ROWS.items() if "lower" in name for v in row)
_STRIPS = (
    ("upper root", "upper edge", "falling"),
    ("upper root back", "upper edge back", "inward falling"),
    ("upper edge back", "upper edge", "inward rising"),
    ("lower edge", "lower root", "rising"),
    ("lower root back", "lower edge back", "falling"),
    ("lower edge back", "lower edge", "rising"),
)
_PUSHED_BACK, _EDGE, _HEIGHT, _LOWER_BACK, _THICK = 1.5, 0.1, 2.0, 0.4, 1.0
"""Distances as multiples of the mean gap between the rings."""


def add_teeth(model: FlameModel) -> FlameModel:
    """FLAME with GaussianAvatars' teeth: 5,143 vertices, 10,144 triangles.

    The upper teeth are rigid with the neck's joint, the lower with the jaw's; both follow the shape
    as the lips in front of them do, and neither follows expressions.
    """
    if len(model.template) != VERTICES:
        return model
    upper, lower = (list(ring) for ring in (LIP_OUTER_UPPER, LIP_OUTER_LOWER))
    teeth = _places(model.template[upper], model.template[lower])
    shapes = (model.shape_directions[upper] + model.shape_directions[lower]) / 2
    zero = torch.zeros_like(teeth)
    weights = torch.zeros(len(teeth), model.weights.shape[1]).to(teeth)
    weights[[v - VERTICES for v in UPPER_TEETH], NECK] = 1
    weights[[v - VERTICES for v in LOWER_TEETH], JAW] = 1
    return replace(
        model,
        template=torch.cat([model.template, teeth]),
        faces=torch.cat([model.faces, teeth_faces().to(model.faces)]),
        shape_directions=torch.cat([model.shape_directions, shapes.repeat(len(ROWS), 1, 1)]),
        expression_directions=_extended(model.expression_directions, zero),
        pose_directions=_extended(model.pose_directions, zero),
        joint_regressor=torch.cat([model.joint_regressor, zero[:, 0].expand(5, -1)], 1),
        weights=torch.cat([model.weights, weights]),
    )


def _places(upper: Tensor, lower: Tensor) -> Tensor:
    """[120, 3] the teeth of the mean head, in the order of ROWS, from the rings [15, 3]."""
    gap = (upper - lower).norm(dim=1).mean()
    up, out = torch.eye(3).to(upper)[1] * gap, torch.eye(3).to(upper)[2] * gap
    middle = (upper + lower) / 2
    middle[:, 1] = middle[:, 1].mean()
    middle = middle - _PUSHED_BACK * out
    edges = middle + _EDGE * up, middle - _EDGE * up - _LOWER_BACK * out
    roots = edges[0] + _HEIGHT * up, edges[1] - _HEIGHT * up
    back = _THICK * out
    front = (*roots, *edges)
    return torch.cat([*front, roots[0] - back, edges[0] - back, roots[1] - back, edges[1] - back])


def _extended(directions: Tensor, rows: Tensor) -> Tensor:
    zeros = rows.new_zeros(*rows.shape, directions.shape[-1])
    return torch.cat([directions, zeros])


def teeth_faces() -> Tensor:
    """[168, 3] int64 triangles of the teeth, in GaussianAvatars' order.

    Each strip changes its diagonal in the middle: there the rows mirror left and right.
    """
    faces = [
        face
        for first, second, pattern in _STRIPS
        for column in range(COLUMNS - 1)
        for face in _quad(ROWS[first], ROWS[second], column, pattern)
    ]
    return torch.tensor(faces)


def _quad(first: range, second: range, column: int, pattern: str) -> list[tuple[int, int, int]]:
    """Two triangles between two rows and two columns."""
    a, b, d, e = first[column], first[column + 1], second[column], second[column + 1]
    left = column < (COLUMNS - 1) // 2
    falling = pattern.endswith("falling") == left
    faces = [(a, e, d), (a, b, e)] if falling else [(a, b, d), (b, e, d)]
    return [(p, r, q) for p, q, r in faces] if pattern.startswith("inward") else faces
