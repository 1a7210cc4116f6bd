"""More rays between directions where a shadow's edge passes."""

import numpy as np

from avatar.geometry.vectors import Bools, Floats, normalised, sphere_directions
from avatar.lighting.bake import LEVELS, interpolate_visibility
from avatar.lighting.occlusion import DIRECTIONS, shares_at

WAY = normalised(np.array([0.3, 0.5, 0.8]))


def half_space(asked_for: list[int]):
    """A point before a wall: the sky on one side of a plane is hidden."""

    def cast(directions: Floats, asked: Bools) -> Bools:
        asked_for.append(int(asked.sum()))
        return asked & (directions @ WAY > 0.1)[None]

    return cast


def test_rays_are_cast_only_where_neighbours_disagree():
    asked_for: list[int] = []
    interpolate_visibility(half_space(asked_for), 3)
    assert len(asked_for) == LEVELS + 1
    assert asked_for[0] == 3 * len(DIRECTIONS)
    assert 0 < sum(asked_for[1:]) < asked_for[0]


def test_an_open_and_a_hidden_sky_are_kept_whole():
    for free in (True, False):
        table = interpolate_visibility(lambda directions, asked, free=free: asked & free, 2)
        assert np.abs(table - free).max() < 1e-5


def test_the_table_is_read_nearer_to_the_truth_than_rays_along_its_directions():
    table = interpolate_visibility(half_space([]), 1)[0]
    places = sphere_directions(4000)
    truth = places @ WAY > 0.1
    nearest, shares = shares_at(places)
    found = (shares * table[nearest]).sum(1)
    plain = (shares * (DIRECTIONS @ WAY > 0.1)[nearest]).sum(1)
    assert ((found - truth) ** 2).mean() < 0.8 * ((plain - truth) ** 2).mean()
    assert abs(found.mean() - truth.mean()) < 0.006  # what overshoots is cut off
