"""Random numbers that are spread evenly even when there are few."""

import numpy as np

STRATA = 5


class EvenDraws:
    """Uniform draws from [0, 1), one from each fifth of it in every five, in random order: a film
    of a minute holds what an hour does, short spans and long ones."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng, self._left = rng, np.zeros(0, int)

    def draw(self) -> float:
        if not len(self._left):
            self._left = self._rng.permutation(STRATA)
        stratum, self._left = self._left[0], self._left[1:]
        return float(stratum + self._rng.random()) / STRATA
