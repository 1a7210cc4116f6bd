"""How soft matter answers to light."""

import numpy as np

from avatar.mesh.vectors import Floats


def wrapped(facing: Floats, width: Floats | float) -> Floats:
    """What soft matter takes of light at a cosine `facing` to its normal, where light wraps into
    the shadow by `width`."""
    return np.clip((facing + width) / (1 + width), 0, None) / (1 + width / 2)
