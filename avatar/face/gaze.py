"""Where eyes look, from the motion of their vertices."""

from collections.abc import Sequence

import numpy as np

from avatar.mesh.similarity import fit_similarity
from avatar.mesh.vectors import Floats, Ints

FORWARD = np.array([0.0, 0.0, 1.0])


def gaze_degrees(eyes: Sequence[Ints], rest: Floats, offsets: Floats) -> Floats:
    """Yaw and pitch [F, eyes, 2] in degrees of each eye in its head, 0 at rest.

    eyes: the vertices of each; offsets [F, V, 3]: of the mesh from rest [V, 3] without the head's
    pose. Yaw is to the head's left (+x), pitch is up.
    """
    angles = [[_angles(rest[eye], rest[eye] + frame[eye]) for eye in eyes] for frame in offsets]
    return np.degrees(np.array(angles))


def _angles(still: Floats, looking: Floats) -> tuple[float, float]:
    x, y, z = fit_similarity(still, looking).rotation @ FORWARD
    return float(np.arctan2(x, z)), float(np.arctan2(y, np.hypot(x, z)))
