"""Teeth, tongue and the lining of the mouth in our own model's colours, where no picture shows
them: those of the skin around would be worse."""

import torch
from torch import Tensor

from avatar.heads import Head
from avatar.reconstruct.seeds import nearest_triangles
from avatar.scans.inner_mouth import LINING, LINING_LIGHT, PARTS, lining_triangles, painted_parts
from splat import sh_to_color

PAINTED = "anny-head"  # the topology whose triangles hold our own teeth


def own_mouth(head: Head) -> tuple[Tensor, Tensor]:
    """Triangles [m] inside the mouth and their colours [m, 3]; none of a head without teeth."""
    if head.topology != PAINTED:
        return torch.empty(0, dtype=torch.int64), torch.empty(0, 3)
    parts, lining = head.group_faces(*PARTS), torch.from_numpy(lining_triangles(head))
    dark = torch.from_numpy(LINING * LINING_LIGHT ** (1 / 2.2)).float()
    return torch.cat([parts, lining]), torch.cat(
        [_painted(head, parts), dark.repeat(len(lining), 1)]
    )


def _painted(head: Head, triangles: Tensor) -> Tensor:
    """Mean colours [m, 3] of what is painted on triangles, or on the nearest that has any."""
    cover = painted_parts()
    colours = sh_to_color(cover.gaussians.sh[:, :1], torch.zeros(len(cover.binding), 3))
    share = torch.sigmoid(cover.gaussians.opacity_logits)[:, None]
    sums = torch.zeros(len(head.faces), 4)
    sums.index_add_(0, cover.binding, torch.cat([colours * share, share], 1))
    there = triangles[sums[triangles, 3] > 0]
    middles = head.vertices[head.faces[triangles]].mean(1)
    found = there[nearest_triangles(middles, head.vertices, head.faces[there])]
    return sums[found, :3] / sums[found, 3:]
