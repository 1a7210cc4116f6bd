"""What moves as one piece."""

import numpy as np

from avatar.mesh.vectors import Floats

RIDGE = 0.1  # of the points' variance: how little a patch of skin says of what lies deep behind it

THIN = 0.03  # of the greatest variance: less across than this is a patch, not a body


def affine_weights(points: Floats, places: Floats) -> Floats:
    """Weights [Q, P] that carry motion of points [P, 3] to places [Q, 3] as an affine map fitted to
    it by least squares; exact for rigid motion, where the points span space.

    Rows sum to one.
    """
    middle = points.mean(0)
    spread = points - middle
    covariance = spread.T @ spread / len(points)
    covariance += _ridge(covariance) * np.eye(3)
    slopes = np.linalg.solve(covariance, spread.T) / len(points)  # [3, P]
    return 1 / len(points) + (places - middle) @ slopes


def _ridge(covariance: Floats) -> float:
    """Nothing where the points span space, else a share of their variance."""
    sizes = np.linalg.eigvalsh(covariance)
    return 0.0 if sizes[0] > THIN * sizes[2] else RIDGE * float(sizes.mean())
