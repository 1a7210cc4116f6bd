import numpy as np

from avatar.face.even_draws import STRATA, EvenDraws


def test_few_draws_are_spread_as_many_are():
    draws = EvenDraws(np.random.default_rng(0))
    found = np.array([draws.draw() for _ in range(40 * STRATA)]).reshape(-1, STRATA)
    assert (np.sort(np.floor(found * STRATA), axis=1) == np.arange(STRATA)).all()
    assert len({tuple(np.argsort(row)) for row in found}) > 10
    assert abs(found.mean() - 0.5) < 0.02
