"""Linear light of colours as painters name them."""

import numpy as np
from numpy.typing import ArrayLike

from avatar.mesh.vectors import Floats


def linear(rgb: ArrayLike) -> Floats:
    """Linear reflectance of a colour given as 0 to 255 with gamma 2.2."""
    return (np.asarray(rgb, float) / 255) ** 2.2
