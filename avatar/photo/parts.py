"""A part of the avatar, and how much of it the photos told."""

from dataclasses import dataclass

import numpy as np

from avatar.mesh.vectors import Bools, Floats
from avatar.synthetic.portrait.layer import Layer


@dataclass(frozen=True)
class Part:
    """Gaussians with what is known of them."""

    layer: Layer
    told: Floats  # [N] by the photos themselves, in [0, 1]
    mirrored: Floats  # [N] by them or by the other side, in [0, 1]

    def __getitem__(self, kept: Bools) -> "Part":
        chosen = {name: values[kept] for name, values in vars(self.layer).items()}
        return Part(Layer(**chosen), self.told[kept], self.mirrored[kept])


def invented(layer: Layer) -> Part:
    """A part of which photos tell nothing."""
    nothing = np.zeros(len(layer))
    return Part(layer, nothing, nothing)


def wholly_seen(layer: Layer) -> Part:
    """A part that photos tell all of."""
    all_of_it = np.ones(len(layer))
    return Part(layer, all_of_it, all_of_it)
