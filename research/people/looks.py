"""The demo avatars: made-up people of the library that ships."""

from typing import Literal

from avatar.people.hair_cards import Style
from research.people.person import Person

LookName = Literal["woman", "man", "random"]

WOMAN_MIX = {
    "macrodetails/caucasian-female-young": 0.6,
    "macrodetails/asian-female-young": 0.2,
    "macrodetails/african-female-young": 0.2,
    "macrodetails/universal-female-young-averagemuscle-averageweight": 1.0,
    "macrodetails/proportions/female-young-averagemuscle-averageweight-idealproportions": 0.6,
    "head/head-oval": 0.45,
    "head/head-invertedtriangular": 0.20,
    "head/head-scale-horiz-decr": 0.30,
    "chin/chin-width-decr": 0.25,
    "chin/chin-bones-decr": 0.3,
    "nose/nose-scale-horiz-decr": 0.45,
    "nose/nose-width3-decr": 0.2,
    "eyes/l-eye-scale-incr": 0.5,
    "eyes/r-eye-scale-incr": 0.5,
    "mouth/mouth-upperlip-volume-incr": 0.25,
    "mouth/mouth-angles-up": 0.25,
    "cheek/l-cheek-bones-incr": 0.25,
    "cheek/r-cheek-bones-incr": 0.25,
}

MAN_MIX = {
    "macrodetails/caucasian-male-young": 0.55,
    "macrodetails/asian-male-young": 0.2,
    "macrodetails/african-male-young": 0.25,
    "macrodetails/universal-male-young-averagemuscle-averageweight": 1.0,
    "macrodetails/proportions/male-young-averagemuscle-averageweight-idealproportions": 0.5,
    "head/head-oval": 0.2,
    "eyes/l-eye-scale-incr": 0.4,
    "eyes/r-eye-scale-incr": 0.4,
    "eyes/l-eye-height2-incr": 0.35,
    "eyes/r-eye-height2-incr": 0.35,
    "mouth/mouth-angles-up": 0.2,
}

IDENTITIES = {"woman": WOMAN_MIX, "man": MAN_MIX}
"""The identities that ship with anny-head, as mixes of MakeHuman's CC0 targets."""

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
