"""Which vertices lie where errors count more."""

import torch
from torch import Tensor

from avatar.heads import Head

EMPHASISED = ("lips", "inner_mouth", "teeth", "tongue", "eyes", "eyelids")


def emphasised_vertices(head: Head) -> Tensor:
    """Vertex indices [R] of eyes, lips and mouth."""
    return torch.cat([head.regions[name] for name in EMPHASISED]).unique()
