"""What the portrait looks like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

HairStyle = Literal["bob", "short"]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Look:
    """Everything that tells one portrait from another. Colours are sRGB from 0 to 255."""

    identity: str
    """name of the head's identity: the shape of skull and face"""
    mood: Mapping[str, float] = field(default_factory=dict)
    """weights of expression units that belong to the resting face"""
    skin: Colour = (214, 168, 146)
    """mean colour of the skin"""
    blush: float = 1.0
    """how red cheeks, nose, chin and ears are; 1 is usual"""
    freckles: float = 1.0
    """density of freckles; 0 has none"""
    beard: float = 0.0
    """strength of the beard's shadow; 0 has none"""
    lips: Colour = (178, 88, 88)
    """colour of the lips"""
    lip_cover: float = 0.76
    """share of the lips' own colour over the skin's"""
    iris: tuple[Colour, Colour, Colour] = ((100, 74, 48), (88, 88, 68), (132, 96, 54))
    """colours of the iris near the pupil, at the rim, and of the ring between"""
    hair: Colour = (92, 60, 40)
    """colour of hair and brows"""
    hair_style: HairStyle = "bob"
    """`bob` falls to the jaw and covers the ears; `short` leaves them free"""
    brow_weight: float = 1.0
    """thickness and opacity of the brows; 1 is usual"""
    lash_weight: float = 1.0
    """number of lashes; 1 is usual"""
    cloth: Colour = (64, 84, 96)
    """colour of the pullover"""
