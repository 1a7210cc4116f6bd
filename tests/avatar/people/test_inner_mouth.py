"""The inner mouth that ships is the one that is painted."""

import numpy as np

from avatar.retarget.scan_inner_mouth import BAKED
from common.arrays import read_arrays
from research.upkeep.inner_mouth import baked_inner_mouth


def test_what_ships_is_what_is_painted():
    shipped, painted = read_arrays(BAKED), baked_inner_mouth()
    assert shipped.keys() == painted.keys()
    assert np.array_equal(shipped.pop("binding"), painted.pop("binding"))
    for name, array in painted.items():
        assert np.abs(shipped[name].astype(float) - array).max() < 2e-3, name
