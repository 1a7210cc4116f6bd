"""Laws of the light on the portrait's skin."""

import numpy as np

from avatar.geometry.vectors import sphere_directions
from avatar.lighting.occlusion import DIRECTIONS
from avatar.people.shading import lit_skin


def test_light_grows_with_sky_and_skin_is_redder_in_shade():
    normals = sphere_directions(40)
    albedo = np.full((40, 3), 0.5)
    half = np.full((40, len(DIRECTIONS)), 0.5)
    dim, full = (lit_skin(normals, sky, albedo, sheen=1.0) for sky in (half, 2 * half))
    assert np.all(full > dim)
    rough = lit_skin(normals, half, albedo, softness=0.0)
    soft = lit_skin(normals, half, albedo, softness=1.0)
    assert np.mean(soft[:, 0] / soft[:, 2]) > np.mean(rough[:, 0] / rough[:, 2])
