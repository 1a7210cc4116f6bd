"""How a mouth is held, in a few measures that the lip reader learns beside the phones."""

import torch
from torch import Tensor

from audio2mesh.lipreading.network import MEASURES
from audio2mesh.model.motion import Motion
from avatar.heads import Head

_MM = 1000
_MIDDLE = 0.003  # metres aside up to which a vertex is in the middle


def mouth_shape(motion: Motion, head: Head) -> Tensor:
    """`MEASURES` [F, 15] of a motion: how far points are from where they rest, millimetres.

    A mirror does not change them: both corners count as one.
    """
    upper, lower = (head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    ends = motion.offsets(upper[[0, -1]])  # [F, 2, 3]
    outwards = head.vertices[upper[[0, -1]], 0].sign()
    corners = torch.cat([ends[..., :1] * outwards[:, None], ends[..., 1:]], -1).mean(1)
    points = [upper[[len(upper) // 2]], lower[[len(lower) // 2]], *_outer_lips(head)]
    points += [head.group_vertices("lower-teeth"), _tongue_tip(head)]
    moved = [motion.offsets(point).mean(1)[:, 1:] for point in points]
    measures = torch.cat([corners, *moved], -1) * _MM
    assert measures.shape[-1] == MEASURES
    return measures


def _outer_lips(head: Head) -> tuple[Tensor, Tensor]:
    """The highest and the lowest vertex of the lips' middle, one each."""
    lips = head.regions["lips"]
    middle = lips[head.vertices[lips, 0].abs() < _MIDDLE]
    height = head.vertices[middle, 1]
    return middle[height.argmax()][None], middle[height.argmin()][None]


def _tongue_tip(head: Head) -> Tensor:
    tongue = head.regions["tongue"]
    return tongue[head.vertices[tongue, 2].argmax()][None]
