"""How a head stands and how far jaw and lids have moved, read off its moved mesh."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.geometry.similarity import Similarity, fit_similarity
from avatar.geometry.vectors import Floats
from avatar.heads import Head
from avatar.lighting.bake import OPEN_JAW

STILL = 0.15  # share of the mesh, the stillest, that says how the head stands
MOST_MOVED = 0.5  # of a unit's largest motion, from which a vertex tells of it


@dataclass(frozen=True)
class HeadPose:
    """A moment of a head."""

    R_world_head: Floats  # [3, 3]
    jaw: float  # how far open: 0 at rest, 1 as in the table of the open jaw
    lids: float  # how far shut: 0 at rest, 1 when both eyes are


def head_pose_of(head: Head) -> Callable[[Tensor], HeadPose]:
    """A function: vertices [V, 3] of the head's mesh, moved → how it stands."""
    moves = head.units.norm(dim=-1).amax(0)
    moves[head.pose_weights < head.pose_weights.max() * 0.999] = torch.inf
    still = moves.argsort()[: max(int(STILL * len(moves)), 20)].numpy()
    rest = head.vertices.double().numpy()
    blink = head.unit("eyeBlinkLeft") + head.unit("eyeBlinkRight")
    jaw, lids = _told(head, OPEN_JAW * head.unit("jawOpen")), _told(head, blink)

    def standing(vertices: Tensor) -> HeadPose:
        moved = vertices.double().numpy()
        back = fit_similarity(moved[still], rest[still])
        return HeadPose(back.rotation.T, jaw(moved, back), lids(moved, back))

    return standing


def _told(head: Head, offsets: Tensor) -> Callable[[Floats, Similarity], float]:
    """A function: vertices [V, 3] and what brings the head back to rest → how much of offsets
    [V, 3] is in them, from 0 to 1."""
    length = offsets.norm(dim=-1)
    chosen = (length > MOST_MOVED * length.max()).nonzero().squeeze(1).numpy()
    rest, opens = head.vertices.double().numpy()[chosen], offsets.double().numpy()[chosen]
    norm = max(float((opens**2).sum()), 1e-12)

    def told(moved: Floats, back: Similarity) -> float:
        share = float(((back.apply(moved[chosen]) - rest) * opens).sum()) / norm
        return min(max(share, 0.0), 1.0)

    return told
