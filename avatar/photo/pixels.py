"""What is known of some pixels of a photo, for those beside them."""

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

from avatar.mesh.vectors import Bools, Floats, Ints


def nearest(where: Bools) -> Ints:
    """Row and column [2, H, W] of the pixel nearest to each, of those where it is true."""
    found = np.empty((2, *where.shape), np.int32)
    distance_transform_edt(~where, return_distances=False, return_indices=True, indices=found)
    return found


def smoothed(values: Floats, where: Bools, sigma: float) -> Floats:
    """Values [H, W] smoothed among themselves where they count."""
    share = gaussian_filter(where.astype(float), sigma)
    return gaussian_filter(values * where, sigma) / np.maximum(share, 1e-6)
