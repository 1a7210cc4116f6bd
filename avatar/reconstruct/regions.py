"""Which vertices lie where errors count more."""

import torch
from torch import Tensor

from avatar.capture import Capture
from avatar.heads.head import SHIPPED, load_head

EMPHASISED = ("lips", "inner_mouth", "teeth", "tongue", "eyes", "eyelids")


def emphasised_vertices(capture: Capture) -> Tensor:
    """Vertex indices [R] of eyes, lips and mouth; none where the topology's are not known."""
    if capture.topology not in SHIPPED:
        return torch.empty(0, dtype=torch.int64)
    regions = load_head(capture.topology).regions
    return torch.cat([regions[name] for name in EMPHASISED]).unique()
