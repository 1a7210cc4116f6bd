"""Keep closed eyelids outside the eyeballs of any identity."""

import torch
from torch import Tensor

from avatar.heads.head import Head

CLEARANCE = 0.0012  # metres between a closed lid and the eyeball
MOVED = 0.0004  # metres: a vertex that a blink moves more than this belongs to the lid


def fit_units(head: Head, vertices: Tensor) -> Tensor:
    """The head's expression units [E, V, 3], adapted to one identity's rest vertices [V, 3].

    The two blink units are corrected so that the closed lids clear this identity's eyeballs by
    CLEARANCE; every other unit is returned as it is.
    """
    units = head.units.clone()
    for side, group in (("Left", "l-eye"), ("Right", "r-eye")):
        index = head.unit_names.index(f"eyeBlink{side}")
        units[index] += _lid_correction(head, vertices, units[index], group)
    return units


def eyeball(head: Head, vertices: Tensor, group: str) -> tuple[Tensor, Tensor]:
    """Centre [3] and radius [] of one eyeball, in the frame of `vertices` [V, 3]."""
    surface = vertices[head.group_vertices(group)]
    centre = (surface.amax(0) + surface.amin(0)) / 2
    return centre, (surface - centre).norm(dim=1).median()


def _lid_correction(head: Head, vertices: Tensor, blink: Tensor, group: str) -> Tensor:
    centre, radius = eyeball(head, vertices, group)
    on_body = torch.zeros(len(vertices), dtype=torch.bool)
    on_body[head.group_vertices("body")] = True
    offset = vertices + blink - centre
    distance = offset.norm(dim=1)
    lid = on_body & (blink.norm(dim=1) > MOVED)
    push = torch.where(lid, (radius + CLEARANCE - distance).clamp(min=0), torch.zeros(()))
    return offset / distance.clamp(min=1e-9)[:, None] * push[:, None]
