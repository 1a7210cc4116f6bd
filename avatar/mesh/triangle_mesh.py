"""A triangle mesh."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh."""

    vertices: Tensor  # [V, 3] metres in head space, unless said otherwise
    faces: Tensor  # [M, 3] int64, counter-clockwise seen from outside
