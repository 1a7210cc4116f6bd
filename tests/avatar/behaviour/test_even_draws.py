from itertools import islice

import numpy as np

from avatar.behaviour.gaze import STRATA, even_draws


def test_few_draws_are_spread_as_many_are():
    draws = islice(even_draws(np.random.default_rng(0)), 40 * STRATA)
    found = np.array([*draws]).reshape(-1, STRATA)
    assert (np.sort(np.floor(found * STRATA), axis=1) == np.arange(STRATA)).all()
    assert len({tuple(np.argsort(row)) for row in found}) > 10
    assert abs(found.mean() - 0.5) < 0.02
