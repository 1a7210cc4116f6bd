"""FLAME's landmarks, its regions under the names that every head of this project has, and the teeth
of GaussianAvatars.

Regions come from rules on the head at rest; the line of the lips, the eyeballs and the teeth are
known by number. The teeth, two rows that FLAME lacks, are built from the rings of its lips as in
GaussianAvatars' flame_model/flame.py: positions, numbering, faces and motion. A row is a band with
a front, a back and a biting edge, each a strip of 14 quads from the subject's left to right.
"""

from dataclasses import replace

import torch
from torch import Tensor

from avatar.heads.flame_model import (
    FACES,
    JAW,
    LANDMARKS,
    LEFT_EYEBALL,
    LIP_OUTER_LOWER,
    LIP_OUTER_UPPER,
    LIP_PAIRS,
    LIP_RIM_CORNERS,
    LIP_RIM_LOWER,
    LIP_RIM_UPPER,
    NECK,
    RIGHT_EYEBALL,
    VERTICES,
    FlameModel,
)

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
    teeth = _tooth_vertices(model.template[upper], model.template[lower])
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


def _tooth_vertices(upper: Tensor, lower: Tensor) -> Tensor:
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


EYE_DISTANCE = 0.063  # metres between the eyeballs of FLAME's mean head, the unit of the rules
Regions = dict[str, Tensor]


def flame_landmarks(vertices: Tensor) -> dict[str, Tensor]:
    """Points [3] by name of a FLAME mesh [V, 3], with or without teeth."""
    points = {name: vertices[number] for name, number in LANDMARKS.items()}
    other = points["left_ear"] * torch.tensor([-1.0, 1.0, 1.0]).to(vertices)
    skin = vertices[: LEFT_EYEBALL.start]
    return points | {"right_ear": skin[(skin - other).norm(dim=1).argmin()]}


def flame_regions(vertices: Tensor, faces: Tensor) -> Regions:
    """Vertex indices by the names of `avatar.heads.head.REGIONS`; FLAME has no tongue.

    vertices [V, 3], faces [M, 3]: a head of FLAME's topology at rest, with or without teeth.
    """
    upper, lower = (torch.tensor(side) for side in zip(*LIP_PAIRS, strict=True))
    teeth = [*UPPER_TEETH, *LOWER_TEETH] if len(vertices) > VERTICES else []
    skin = _skin_regions(vertices[:VERTICES].cpu(), faces[:FACES].cpu())
    return (
        {"lip_inner_upper": upper, "lip_inner_lower": lower}
        | {"eyes": torch.tensor([*LEFT_EYEBALL, *RIGHT_EYEBALL])}
        | {"teeth": torch.tensor(sorted(teeth), dtype=torch.long)}
        | {"tongue": torch.zeros(0, dtype=torch.long)}
        | skin
    )


def _skin_regions(rest: Tensor, faces: Tensor) -> Regions:
    """By distances from the lips and from the eyes of the head at rest [5023, 3]."""
    eyes = torch.stack([rest[ball].mean(0) for ball in _balls()])  # [2, 3]
    unit = (eyes[0] - eyes[1]).norm() / EYE_DISTANCE
    _, y, z = ((rest - eyes.mean(0)) / unit).T
    radius = (rest[_balls()[0]] - eyes[0]).norm(dim=1).mean()
    is_skin = torch.arange(len(rest)) < LEFT_EYEBALL.start
    lips, inner = _mouth(rest, faces)
    scalp = (y > 0.057) | ((z < -0.07) & (y > -0.028))
    masks = {
        "lips": lips,
        "inner_mouth": inner,
        "eyelids": torch.cdist(rest, eyes).amin(1) < radius + 0.005 * unit,
        "upper_face": (y > -0.018) & (z > -0.04) & ~scalp,
        "scalp": scalp,
        "neck": (y < -0.083) & (z < -0.02),
    }
    return {name: (mask & is_skin).nonzero().squeeze(1) for name, mask in masks.items()}


def _mouth(rest: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
    """Which vertices are lips: as near to their line as its red is high there; and which are within
    the mouth: nearer to the rim inside than to the rings outside. Distances run along the skin."""
    rings = [*LIP_OUTER_UPPER, *LIP_OUTER_LOWER]
    line = [vertex for pair in LIP_PAIRS for vertex in pair]
    rim = [*LIP_RIM_UPPER, *LIP_RIM_LOWER, *LIP_RIM_CORNERS]
    to_line, to_rings, to_rim = (_along(rest, faces, part) for part in (line, rings, rim))
    nearest = torch.cdist(rest, rest[rings]).argmin(1)
    lips = to_line <= to_line[rings][nearest] * 1.01
    return lips, (to_rim < to_rings) & ~lips


def _along(rest: Tensor, faces: Tensor, start: list[int]) -> Tensor:
    """[V] metres along the edges of the mesh to the nearest of some vertices."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415  plain films need no SciPy
    from scipy.sparse.csgraph import dijkstra  # noqa: PLC0415

    ends = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    lengths = (rest[ends[:, 0]] - rest[ends[:, 1]]).norm(dim=1).double().clamp(min=1e-9)
    graph = csr_matrix((lengths.numpy(), ends.T.numpy()), (len(rest), len(rest)))
    distances = dijkstra(graph.maximum(graph.T), directed=False, indices=start, min_only=True)
    return torch.from_numpy(distances)


def _balls() -> list[slice]:
    return [slice(ball.start, ball.stop) for ball in (LEFT_EYEBALL, RIGHT_EYEBALL)]
