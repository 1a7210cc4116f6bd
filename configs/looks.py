"""The looks of the demo avatars."""

from typing import Literal

from avatar.people.subject import Look

LookName = Literal["woman", "man"]

WOMAN = Look(
    identity="woman",
    mood={
        "mouthSmileLeft": 0.30,
        "mouthSmileRight": 0.30,
        "browInnerUp": 0.10,
        "browOuterUpLeft": 0.15,
        "browOuterUpRight": 0.15,
        "eyeWideLeft": 0.20,
        "eyeWideRight": 0.20,
        "cheekSquintLeft": 0.10,
        "cheekSquintRight": 0.10,
    },
    brow_weight=0.85,
)

MAN = Look(
    identity="man",
    mood={
        "mouthSmileLeft": 0.20,
        "mouthSmileRight": 0.20,
        "browInnerUp": 0.22,
        "eyeWideLeft": 0.12,
        "eyeWideRight": 0.12,
    },
    skin=(196, 146, 120),
    freckles=0.4,
    beard=1.0,
    lips=(158, 88, 82),
    lip_cover=0.62,
    iris=((66, 46, 32), (52, 38, 30), (92, 62, 38)),
    hair=(58, 42, 32),
    hair_style="short",
    brow_weight=1.15,
    lash_weight=0.6,
    cloth=(74, 70, 76),
)

LOOKS: dict[LookName, Look] = {"woman": WOMAN, "man": MAN}
