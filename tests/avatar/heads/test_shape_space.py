"""Laws of the shape space that ships."""

import numpy as np

from avatar.geometry.vectors import MM
from avatar.heads import load_head
from avatar.heads.shape_space import SHIFTS, load_shape_space
from avatar.retarget.template import template_of

HEAD = load_head()
OUTER = np.flatnonzero(template_of(HEAD).outer)
FACE = OUTER[template_of(HEAD).weight[OUTER] > 0.5]


def test_what_ships_leads_to_real_heads():
    space = load_shape_space()
    assert len(space.modes) == SHIFTS + 50
    face = space.modes[:SHIFTS, FACE].norm(dim=2).mean(1)
    assert ((face > 3 * MM) & (face < 6 * MM)).all()
    upper, lower = (HEAD.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    apart = (space.modes[:SHIFTS, upper] - space.modes[:SHIFTS, lower]).norm(dim=2)
    assert apart.max() < 0.02 * MM
