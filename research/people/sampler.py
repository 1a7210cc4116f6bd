"""Made-up people at random: a seed gives a person."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar, get_args

import numpy as np

from avatar.geometry.vectors import MM
from avatar.people.glasses import FORMS, glasses_of
from avatar.people.hair_cards import Style
from avatar.people.subject import Colour
from research.people.beard import BeardForm
from research.people.person import Factors, Person

T = TypeVar("T")

RACES = ("african", "asian", "caucasian")
MODES, MODE_SIGMA = 50, 0.7  # of the shape space; at 1 faces of mixed targets get grotesque
SKINS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("dark", "young"): ("young_darkskinned_male",),
    ("dark", "old"): ("middleage_darkskinned_male", "old_darkskinned_male"),
    ("female", "young"): ("young_lightskinned_female2", "young_lightskinned_female3"),
    ("female", "old"): ("middleage_lightskinned_female2",),
    ("male", "young"): (
        "young_lightskinned_male",
        "young_lightskinned_male2",
        "young_lightskinned_male3",
    ),
    ("male", "old"): ("middleage_lightskinned_male", "middleage_lightskinned_male2"),
}
HAIR: Mapping[str, tuple[str, ...]] = {
    "female": ("bob02", "braid01", "grown-bob", "grown-bob", "long01", "ponytail01"),
    "male": ("short02", "short01", "short02", "short02", "short04"),
}
CLOTHES: Mapping[str, tuple[str, ...]] = {
    "female": ("female_elegantsuit01", "female_sportsuit01"),
    "male": ("male_elegantsuit01", "male_casualsuit06"),
}
PLAIN = ("female_sportsuit01", "male_casualsuit06")
"""Clothes of one sort of cloth, which may have any colour."""
LASHES: Mapping[str, tuple[str, ...]] = {
    "female": ("eyelashes01", "eyelashes03"),
    "male": ("eyelashes01",),
}
HAIR_COLOURS: tuple[Colour, ...] = (
    (22, 18, 16),
    (45, 32, 24),
    (70, 48, 34),
    (96, 68, 46),
    (138, 102, 66),
    (176, 146, 104),
    (112, 58, 34),
)
GREY: Colour = (150, 147, 142)
IRISES, DARK_IRISES = ("brown", "brownlight", "blue", "green", "grey", "bluegreen"), 2
BROWS = tuple(f"eyebrow{number:03d}" for number in range(1, 13))
WEARERS, WIRES = 0.2, (0.6 * MM, 1.8 * MM)
"""Share of people with glasses; radii of these."""
BEARDED = 0.35
"""Share of men with a beard."""
GLASSES_STREAM, BEARD_STREAM = 11, 12  # drawn apart: they leave the rest of a person as it is
FRAMES: tuple[Colour, ...] = ((30, 26, 24), (70, 40, 25), (120, 96, 60), (150, 150, 155))
FRIENDLY = {
    "mouthSmileLeft": 0.22,
    "mouthSmileRight": 0.22,
    "browInnerUp": 0.25,
    "browOuterUpLeft": 0.25,
    "browOuterUpRight": 0.25,
    "browDownLeft": -0.3,
    "browDownRight": -0.3,
}
"""Takes the grimness out of faces that are mixed of targets."""


def random_person(seed: int) -> Person:
    """The person of a seed: identity, age, skin, hair, brows, lashes, eyes, beard and clothes
    that go together."""
    rng = np.random.default_rng(seed)
    sex = _one(rng, ("female", "male"))
    races = rng.dirichlet([0.6] * len(RACES))
    clearly = float(np.clip(rng.normal(0.85, 0.12), 0.5, 1))
    old = float(rng.beta(1, 3))
    dark = float(races[0])
    hair_colour = _hair_colour(rng, fair=dark < 0.15 and bool(races[2] > 0.6), old=old)
    clothes = _one(rng, CLOTHES[sex])
    person = Person(
        mix=_mix(rng, races, sex, clearly, old),
        modes=tuple(rng.normal(0, MODE_SIGMA, MODES).tolist()),
        mood=FRIENDLY,
        skins=_skins(rng, sex, dark, old),
        tint=_factors(rng, 0.08, 0.03),
        lips=(1.12, 0.98, 0.98) if dark > 0.5 else (1.0, 1.0, 1.0),
        shine=0.6 - 0.15 * dark,
        iris=_one(rng, IRISES if races[2] > 0.6 and dark < 0.15 else IRISES[:DARK_IRISES]),
        brows=_one(rng, BROWS),
        brow_weight=float(rng.uniform(0.8, 1.2)) * (0.85 if sex == "female" else 1.1),
        lashes=_one(rng, LASHES[sex]),
        lash_weight=1.0 if sex == "female" else 0.6,
        hair=_hair(rng, sex),
        hair_colour=hair_colour,
        clothes=clothes,
        cloth=_cloth(rng) if clothes in PLAIN else None,
    )
    if sex == "male":
        person = _with_beard(person, np.random.default_rng([seed, BEARD_STREAM]))
    return _with_glasses(person, np.random.default_rng([seed, GLASSES_STREAM]))


def _one(rng: np.random.Generator, items: tuple[T, ...]) -> T:
    return items[int(rng.integers(len(items)))]


def _factors(rng: np.random.Generator, common: float, own: float) -> Factors:
    """Log-normal factors on red, green and blue: a common one, and one of each."""
    red, green, blue = np.exp(rng.normal(0, common) + rng.normal(0, own, 3)).tolist()
    return red, green, blue


def _mix(
    rng: np.random.Generator, races: np.ndarray, sex: str, clearly: float, old: float
) -> dict[str, float]:
    """Weights of targets; clearly: share of the person's own sex."""
    weight = float(rng.normal(0, 0.3))
    mix: dict[str, float] = {}
    for each, share in (("female", clearly), ("male", 1 - clearly)):
        share = share if sex == "female" else 1 - share
        for age, part in (("young", 1 - old), ("old", old)):
            for race, of_race in zip(RACES, races.tolist(), strict=True):
                mix[f"macrodetails/{race}-{each}-{age}"] = share * part * of_race
            build = f"macrodetails/universal-{each}-{age}-averagemuscle-"
            extreme = "maxweight" if weight > 0 else "minweight"
            mix[build + "averageweight"] = share * part * (1 - abs(weight))
            mix[build + extreme] = share * part * abs(weight)
    return mix


def _skins(rng: np.random.Generator, sex: str, dark: float, old: float) -> dict[str, float]:
    """Shares of pictures that match race, sex and age."""
    age = "old" if rng.random() < 1.5 * old else "young"
    light = rng.permutation(SKINS[sex, age])[:2].tolist()
    share = float(rng.uniform(0.3, 1)) if len(light) == 2 else 1.0
    shares = dict(zip(light, (share, 1 - share), strict=False))
    brown = float(np.clip(1.3 * dark - 0.1, 0, 1))
    mixed = {name: (1 - brown) * part for name, part in shares.items()}
    mixed[_one(rng, SKINS["dark", age])] = brown
    return {name: part for name, part in mixed.items() if part > 0}


def _hair(rng: np.random.Generator, sex: str) -> Style:
    width, height, depth = rng.normal(1, 0.04, 3).tolist()
    name = _one(rng, HAIR[sex])
    return Style(
        name,
        growth=(width, height, depth),
        lift=float(rng.normal(0, 4 * MM)),
        waves=float(abs(rng.normal(0, 4 * MM))),
        wave_seed=int(rng.integers(1 << 30)),
        cut=float(rng.uniform(-0.22, -0.08)) if name == "long01" else -0.30,
    )


def _with_glasses(person: Person, rng: np.random.Generator) -> Person:
    """The same with glasses, if they wear some: not over hair before an eye."""
    worn = rng.random() < WEARERS and person.hair is not None and person.hair.name != "bob02"
    form = glasses_of(np.clip(rng.normal(0, 0.8, len(FORMS)), -1.5, 1.5), rng.uniform(*WIRES))
    colour = _one(rng, FRAMES)
    return replace(person, glasses=form, frame=colour) if worn else person


def _with_beard(person: Person, rng: np.random.Generator) -> Person:
    """The same with a beard, if he has one; most are full."""
    grown = rng.random() < BEARDED
    form = _one(rng, ("full", "full", *get_args(BeardForm)))
    return replace(person, beard=form) if grown else person


def _cloth(rng: np.random.Generator) -> Colour | None:
    """A muted colour, or the library's own."""
    if rng.random() < 0.4:
        return None
    hue, level = rng.normal(0, 0.25, 3), rng.uniform(30, 190)
    red, green, blue = np.clip(level * np.exp(hue), 12, 235).round().astype(int).tolist()
    return red, green, blue


def _hair_colour(rng: np.random.Generator, fair: bool, old: float) -> Colour:
    """Natural colours: dark where most hair is, grey with age."""
    if rng.random() < (old - 0.4) * 2:
        own = GREY
    else:
        own = _one(rng, HAIR_COLOURS if fair else HAIR_COLOURS[:3])
    red, green, blue = (np.array(own) * np.exp(rng.normal(0, 0.05, 3))).round().tolist()
    return int(red), int(green), int(blue)
