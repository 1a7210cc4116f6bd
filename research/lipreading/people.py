"""Synthetic people: another face, skin and habit of speech for each seed."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.phones import Phone
from audio2mesh.model.motion import Motion
from avatar.heads import Head
from avatar.heads.shape_space import load_shape_space
from research.corpus.articulation import ARKIT_NAMES, articulate, load_dominance
from research.corpus.dominance import DominanceModel
from research.lipreading.layer import GREY

_LARGEST = 2.0  # standard deviations of a mode of the face's shape
_MANNERISMS = {"mouthSmile": 0.2, "mouthFrown": 0.1, "mouthStretch": 0.1, "cheekSquint": 0.2}
_ONE_SIDED = 0.12  # standard deviation of how much more one half of the mouth does
_NODS, _SLIPS = 0.025, 0.0006  # radians and metres of the head's motion
_NOD_SECONDS = 0.5  # over which such a movement lasts


@dataclass(frozen=True)
class Look:
    """The paint of a mouth."""

    greys: Tensor  # [K] reflected share of the light of each of `KINDS`
    gloss: float = 1.0
    """factor on all highlights"""
    blotches: float = 0.0
    """relative strength of spots and stubble"""
    seed: int = 0
    """of the blotches"""


PLAIN = Look(torch.tensor(list(GREY.values())))


@dataclass(frozen=True)
class Person:
    """A speaker."""

    head: Head  # with the person's resting face
    look: Look
    habits: DominanceModel
    held: Tensor  # [52] weights that are always added
    sides: Tensor  # [52] factors on the units


def random_person(head: Head, rng: np.random.Generator) -> Person:
    """A random person, from the shape space of faces and distributions of skins, lips and
    habits."""
    space = load_shape_space()
    amounts = rng.normal(size=len(space.modes)).clip(-_LARGEST, _LARGEST).astype(np.float32)
    face = space.mean + torch.einsum("m,mvx->vx", torch.from_numpy(amounts), space.modes)
    return Person(replace(head, vertices=face), _look(rng), _habits(rng), _held(rng), _sides(rng))


def _look(rng: np.random.Generator) -> Look:
    skin = rng.uniform(0.25, 0.9)
    greys = {
        "skin": skin,
        "lips": skin * rng.uniform(0.5, 1.0),
        "inside": rng.uniform(0.15, 0.4),
        "tongue": rng.uniform(0.35, 0.6),
        "teeth": rng.uniform(0.75, 1.05),
        "gum": rng.uniform(0.3, 0.55),
    }
    return Look(
        torch.tensor([greys[kind] for kind in GREY], dtype=torch.float32),
        gloss=float(rng.uniform(0.3, 1.8)),
        blotches=float(rng.choice([0.05, 0.1, 0.2])),
        seed=int(rng.integers(1000)),
    )


def _habits(rng: np.random.Generator) -> DominanceModel:
    """The fitted way to speak, bent: stronger or weaker, quicker or lazier, phone by phone."""
    plain = load_dominance()

    def bent(values: Tensor, common: float, each: float) -> Tensor:
        factors = np.exp(rng.normal(0, common) + rng.normal(0, each, tuple(values.shape)))
        return values * torch.from_numpy(factors).to(values)

    return replace(
        plain,
        target=bent(plain.target, 0.15, 0.12).clamp(max=1),
        magnitude=bent(plain.magnitude, 0.0, 0.15),
        anticipation=bent(plain.anticipation, 0.15, 0.1),
        carry_over=bent(plain.carry_over, 0.15, 0.1),
        lead=plain.lead + float(rng.normal(0, 0.01)),
    )


def _held(rng: np.random.Generator) -> Tensor:
    held = np.zeros(len(ARKIT_NAMES), np.float32)
    for name, most in _MANNERISMS.items():
        amount = max(0.0, rng.uniform(-most, most))
        for side in ("Left", "Right"):
            held[ARKIT_NAMES.index(name + side)] = amount
    return torch.from_numpy(held)


def _sides(rng: np.random.Generator) -> Tensor:
    more = float(rng.normal(0, _ONE_SIDED))
    sides = {"Left": 1 + more, "Right": 1 - more}
    factors = [next((f for side, f in sides.items() if n.endswith(side)), 1.0) for n in ARKIT_NAMES]
    return torch.tensor(factors, dtype=torch.float32)


def spoken_motion(person: Person, phones: tuple[Phone, ...], fps: float) -> Motion:
    """How the person moves [F, ..] when saying phones, from second 0 to the end of the last."""
    weights = torch.from_numpy(articulate(phones, phones[-1].end, fps, person.habits))
    return Motion(weights * person.sides + person.held, arkit_units(person.head))


def arkit_units(head: Head) -> Tensor:
    """The head's units [52, V, 3] in the order of `ARKIT_NAMES`."""
    return head.units[[head.unit_names.index(name) for name in ARKIT_NAMES]]


def unsteady(faces: Tensor, head: Head, fps: float, rng: np.random.Generator) -> Tensor:
    """Faces [F, v, 3] of a head that turns and slips a little about its mouth."""
    count = len(faces)
    turns, slips = (
        torch.from_numpy(_wander(count, fps, rng) * size).to(faces) for size in (_NODS, _SLIPS)
    )
    centre = head.vertices[head.regions["lips"]].mean(0)
    about = faces - centre
    return faces + torch.linalg.cross(turns[:, None].expand_as(about), about) + slips[:, None]


def _wander(count: int, fps: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth random curves [F, 3] of deviation 1."""
    knots = rng.normal(size=(2 + int(count / (fps * _NOD_SECONDS)), 3))
    at = np.linspace(0, len(knots) - 1, count)
    return np.stack([np.interp(at, np.arange(len(knots)), knot) for knot in knots.T], 1)
