"""The hair of a look: how it grows, and how much light it takes."""

import numpy as np

from avatar.light.fog import Fog
from avatar.synthetic.shared.hair_bob import bob_strands
from avatar.synthetic.shared.hair_short import short_strands
from avatar.synthetic.shared.look import Look
from avatar.synthetic.shared.skin import Skin
from avatar.synthetic.shared.strands import Strands, fog_of

DENSITY = {"bob": 0.35, "short": 0.30}  # of the shade


def grown(skin: Skin, look: Look, rng: np.random.Generator) -> list[Strands]:
    """All strands, one group per kind."""
    return bob_strands(skin, rng) if look.hair_style == "bob" else short_strands(skin, rng)


def shade_of(strands: list[Strands], look: Look) -> Fog:
    """What the hair takes away from the light of everything."""
    return fog_of(strands, DENSITY[look.hair_style])
