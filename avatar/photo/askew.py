"""Which colours of skin that a photo shows askew are the skin's own.

Along a head's outline a photo shows the light from behind, and what belongs to hair, collar or
background wherever the fitted form is a few millimetres off. Skin that is seen squarely says what
colours to expect there.
"""

import numpy as np

from avatar.light.other_side import Told
from avatar.mesh.vectors import Floats, smoothstep
from avatar.photo.usual import FAR, FEWEST, logarithms, trimmed_fit

ASKEW, PLAIN = 0.35, 0.6  # cosines to the view: below colours are doubted, above believed
USUAL, ODD = FAR, 4.0  # deviations from what is expected: believed, and not at all
RIDGE = 20.0  # of the light, in places


def without_odd(told: Told, normals: Floats, facing: Floats) -> Told:
    """What is told, less what is seen askew in colours that skin does not have.

    The logarithm of a colour is expected to be linear in the normal (light from the front and
    slow falls to the sides), with deviations as large as they are where skin is seen.

    normals [N, 3], in the world; facing [N]: their cosines to the view.
    """
    if (told.weight > 0.5).sum() < FEWEST:
        return told
    doubt = smoothstep(USUAL, ODD, _deviations(told, normals))
    askew = 1 - smoothstep(ASKEW, PLAIN, facing)
    return Told(told.values, told.weight * (1 - doubt * askew))


def _deviations(told: Told, normals: Floats) -> Floats:
    """How many deviations [N] colours are away from those that are expected."""
    bands = np.column_stack([np.ones(len(normals)), normals])
    ridge = RIDGE * np.diag([0.0, 1, 1, 1])
    return trimmed_fit(logarithms(told.values[:, :3]), bands, told.weight, ridge)[1]
