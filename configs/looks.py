"""The demo avatars: made-up people of the library that ships."""

from typing import Literal

from avatar.people.hair_cards import Style
from avatar.people.person import Person
from configs.identities import MAN as MAN_MIX
from configs.identities import WOMAN as WOMAN_MIX

LookName = Literal["woman", "man", "random"]

WOMAN = Person(
    mix=WOMAN_MIX,
    mood={
        "mouthSmileLeft": 0.30,
        "mouthSmileRight": 0.30,
        "browInnerUp": 0.28,
        "browOuterUpLeft": 0.25,
        "browOuterUpRight": 0.25,
        "browDownLeft": -0.30,
        "browDownRight": -0.30,
        "eyeWideLeft": 0.20,
        "eyeWideRight": 0.20,
        "cheekSquintLeft": 0.10,
        "cheekSquintRight": 0.10,
    },
    skins={"young_lightskinned_female2": 1.0},
    tint=(0.95, 0.93, 0.92),
    iris="brownlight",
    brows="eyebrow001",
    brow_weight=0.8,
    lash_weight=0.4,
    hair=Style("grown-bob"),
    hair_colour=(88, 58, 40),
    clothes="female_sportsuit01",
    cloth=(64, 84, 96),
    finer=0.88,
)

MAN = Person(
    mix=MAN_MIX,
    mood={
        "mouthSmileLeft": 0.20,
        "mouthSmileRight": 0.20,
        "browInnerUp": 0.22,
        "eyeWideLeft": 0.12,
        "eyeWideRight": 0.12,
    },
    skins={"young_lightskinned_male": 1.0},
    iris="brownlight",
    brows="eyebrow008",
    brow_weight=0.75,
    lash_weight=0.6,
    hair=Style("short02"),
    hair_colour=(58, 42, 32),
    clothes="male_casualsuit06",
    cloth=(78, 76, 84),
)

LOOKS: dict[str, Person] = {"woman": WOMAN, "man": MAN}
