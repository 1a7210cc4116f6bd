"""FLAME's landmarks, and its regions under the names that every head of this project has.

Regions come from FLAME_masks.pkl where the user has it, else from rules on the head at rest; the
line of the lips, the eyeballs and the teeth are known by number.
"""

from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from torch import Tensor

from avatar.flame.indices import (
    FACES,
    LANDMARKS,
    LEFT_EYEBALL,
    LIP_OUTER_LOWER,
    LIP_OUTER_UPPER,
    LIP_PAIRS,
    LIP_RIM_CORNERS,
    LIP_RIM_LOWER,
    LIP_RIM_UPPER,
    RIGHT_EYEBALL,
    VERTICES,
)
from avatar.flame.teeth import LOWER_TEETH, UPPER_TEETH
from common.errors import InputError
from common.restricted_pickle import read_pickle

EYE_DISTANCE = 0.063  # metres between the eyeballs of FLAME's mean head, the unit of the rules
_MASKS = {
    "lips": ("lips",),
    "eyelids": ("left_eye_region", "right_eye_region"),
    "upper_face": ("forehead", "eye_region", "left_eye_region", "right_eye_region"),
    "scalp": ("scalp",),
    "neck": ("neck", "boundary"),
}
Regions = dict[str, Tensor]


def flame_landmarks(vertices: Tensor) -> dict[str, Tensor]:
    """Points [3] by name of a FLAME mesh [V, 3], with or without teeth."""
    points = {name: vertices[number] for name, number in LANDMARKS.items()}
    other = points["left_ear"] * torch.tensor([-1.0, 1.0, 1.0]).to(vertices)
    skin = vertices[: LEFT_EYEBALL.start]
    return points | {"right_ear": skin[(skin - other).norm(dim=1).argmin()]}


def flame_regions(vertices: Tensor, faces: Tensor, masks: Path | None = None) -> Regions:
    """Vertex indices by the names of `avatar.heads.head.REGIONS`; FLAME has no tongue.

    vertices [V, 3], faces [M, 3]: a head of FLAME's topology at rest, with or without teeth;
    masks: the user's FLAME_masks.pkl. Raises FileNotFoundError or InputError in one sentence.
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
        | (_from_masks(masks) if masks else {})
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
    """Which vertices are lips: as near to their line as its red is high there; and which lie within
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
    ends = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    lengths = (rest[ends[:, 0]] - rest[ends[:, 1]]).norm(dim=1).double().clamp(min=1e-9)
    graph = csr_matrix((lengths.numpy(), ends.T.numpy()), (len(rest), len(rest)))
    distances = dijkstra(graph.maximum(graph.T), directed=False, indices=start, min_only=True)
    return torch.from_numpy(distances)


def _balls() -> list[slice]:
    return [slice(ball.start, ball.stop) for ball in (LEFT_EYEBALL, RIGHT_EYEBALL)]


def _from_masks(path: Path) -> Regions:
    masks = read_pickle(path)
    needed = {name for names in _MASKS.values() for name in names}
    if not isinstance(masks, dict) or not needed <= masks.keys():
        missing = sorted(needed - set(masks if isinstance(masks, dict) else ()))[0]
        raise InputError(f"{path}: holds no vertex set {missing!r}; use FLAME's FLAME_masks.pkl")
    return {
        name: _indices(path, np.concatenate([np.ravel(masks[part]) for part in parts]))
        for name, parts in _MASKS.items()
    }


def _indices(path: Path, values: np.ndarray) -> Tensor:
    known = values.dtype.kind in "iu" and len(values) > 0
    if not known or values.min() < 0 or values.max() >= VERTICES:
        raise InputError(f"{path}: a set holds something else than numbers of FLAME's vertices")
    return torch.from_numpy(values.astype(np.int64)).unique()
