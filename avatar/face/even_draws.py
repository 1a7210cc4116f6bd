"""Random numbers that are spread evenly even when there are few."""

from collections.abc import Iterator

import numpy as np

STRATA = 5


def even_draws(rng: np.random.Generator) -> Iterator[float]:
    """Uniform draws from [0, 1) without end, one from each fifth of it in every five, in random
    order: a film of a minute holds what an hour does, short spans and long ones."""
    while True:
        for stratum in rng.permutation(STRATA):
            yield float(stratum + rng.random()) / STRATA
