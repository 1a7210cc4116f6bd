"""How skin, lips, teeth, eyes, hair and cloth answer to light."""

import numpy as np

SKIN, LIPS, MOUTH, TEETH, EYES, STRAND, CLOTH = range(7)

SOFT = (0.30, 0.12, 0.06)  # how far red, green and blue pass the terminator in flesh
ROUGHNESS = (8.0, 40.0, 110.0)  # sharpness of the lobes that blur what matter mirrors

_ROWS = {
    # widths of the wrap, strand, reflectance from the front and at most aside, roughness; -1 for
    # what mirrors nothing and is seen from behind as well
    SKIN: (*SOFT, 0, 0.024, 0.10, 0),
    LIPS: (*SOFT, 0, 0.028, 0.14, 1),
    MOUTH: (*SOFT, 0, 0.024, 0.10, 1),
    TEETH: (0.10, 0.08, 0.06, 0, 0.050, 0.20, 2),
    EYES: (0.06, 0.04, 0.03, 0, 0.030, 0.30, 2),
    STRAND: (0, 0, 0, 1, 0, 0, -1),
    CLOTH: (0, 0, 0, 0, 0, 0, -1),
}
MATTERS = np.array([_ROWS[number] for number in range(len(_ROWS))], np.float32)  # [K, 7]
MIRRORLESS = MATTERS * np.array([1, 1, 1, 1, 0, 0, 0], np.float32)
MIRRORLESS[:, 6] = -1
"""The same where no viewer is known."""
