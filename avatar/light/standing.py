"""How a head stands and how far its jaw is open, read off its moved mesh."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.heads import Head
from avatar.light.bake import JAW
from avatar.mesh.similarity import fit_similarity
from avatar.mesh.vectors import Floats

STILL = 0.15  # share of the mesh, the stillest, that says how the head stands
JAW_SHARE = 0.5  # of the largest motion of an opening jaw, from which a vertex tells of it


@dataclass(frozen=True)
class Standing:
    """A moment of a head."""

    R_world_head: Floats  # [3, 3]
    opening: float  # of the jaw: 0 at rest, 1 as in the table of the open jaw


def standing_of(head: Head) -> Callable[[Tensor], Standing]:
    """A function: vertices [V, 3] of the head's mesh, moved → how it stands."""
    moves = head.units.norm(dim=-1).amax(0)
    moves[head.pose_weights < head.pose_weights.max() * 0.999] = torch.inf
    still = moves.argsort()[: max(int(STILL * len(moves)), 20)].numpy()
    unit = head.unit("jawOpen")
    length = unit.norm(dim=-1)
    jaw = ((length > JAW_SHARE * length.max()) & moves.isfinite()).nonzero().squeeze(1).numpy()
    rest, opens = head.vertices.double().numpy(), unit.double().numpy()[jaw]
    norm = JAW * float((opens**2).sum())

    def standing(vertices: Tensor) -> Standing:
        moved = vertices.double().numpy()
        back = fit_similarity(moved[still], rest[still])
        offsets = back.apply(moved[jaw]) - rest[jaw]
        opening = float((offsets * opens).sum()) / norm
        return Standing(back.rotation.T, min(max(opening, 0.0), 1.0))

    return standing
