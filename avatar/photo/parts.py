"""A part of the avatar, and how much of it the photos told."""

from dataclasses import dataclass

import numpy as np

from avatar.mesh.vectors import Bools, Floats
from avatar.synthetic.portrait.layer import Layer

LEAST = 0.15  # of the photo's corrections, that what it does not show takes


@dataclass(frozen=True)
class Part:
    """Gaussians with what is known of them."""

    layer: Layer
    told: Floats  # [N] by the photos themselves, in [0, 1]
    mirrored: Floats  # [N] by them or by the other side, in [0, 1]
    follows: Floats  # [N] share of the photo's corrections that it takes, in [0, 1]

    def __getitem__(self, kept: Bools) -> "Part":
        chosen = {name: values[kept] for name, values in vars(self.layer).items()}
        rest = (values[kept] for values in (self.told, self.mirrored, self.follows))
        return Part(Layer(**chosen), *rest)


def painted(layer: Layer, told: Floats, mirrored: Floats) -> Part:
    """A part with colours of the photos; what they show askew follows their corrections less."""
    return Part(layer, told, mirrored, LEAST + (1 - LEAST) * told)


def invented(layer: Layer, follows: float) -> Part:
    """A part of which photos tell nothing."""
    nothing = np.zeros(len(layer))
    return Part(layer, nothing, nothing, nothing + follows)


def wholly_seen(layer: Layer) -> Part:
    """A part that photos tell all of."""
    all_of_it = np.ones(len(layer))
    return Part(layer, all_of_it, all_of_it, all_of_it)
