"""Who is captured: a face and its colours, all from a seed."""

from dataclasses import replace

import numpy as np
import torch

from avatar.heads import Head, eyeball
from avatar.mesh.vectors import Floats, smoothstep
from avatar.synthetic.shared.look import Colour, HairStyle, Look

WAVES, WAVELENGTH = 24, (0.07, 0.2)  # metres
BEND = 0.0022  # metres root mean square by which a face departs from the mix of known ones
FADE = (-0.10, -0.055)  # metres: heights between which the neck becomes the known one
LOPSIDED = 0.15  # share of that which differs between the sides

# Skin tones from light to dark with the lips that go with them.
_SKINS = ((226, 182, 160), (214, 168, 146), (196, 146, 120), (166, 114, 86), (118, 78, 58))
_LIPS = ((184, 98, 98), (178, 88, 88), (158, 88, 82), (138, 76, 70), (104, 58, 54))
_HAIRS: tuple[Colour, ...] = (
    (150, 112, 66),
    (112, 74, 44),
    (92, 60, 40),
    (58, 42, 32),
    (36, 29, 26),
    (124, 66, 38),
)
_IRISES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((100, 74, 48), (88, 88, 68), (132, 96, 54)),
    ((66, 46, 32), (52, 38, 30), (92, 62, 38)),
    ((92, 116, 138), (70, 96, 124), (140, 138, 110)),
    ((98, 108, 70), (74, 92, 70), (140, 114, 62)),
)
_MOOD = {
    "browInnerUp": 0.05,
    "browOuterUpLeft": 0.12,
    "browOuterUpRight": 0.12,
    "eyeWideLeft": 0.15,
    "eyeWideRight": 0.15,
    "mouthSmileLeft": 0.18,
    "mouthSmileRight": 0.18,
}
_CLOTHS: tuple[Colour, ...] = ((64, 84, 96), (74, 70, 76), (110, 56, 54), (62, 84, 66))


def subject_of(head: Head, seed: int) -> tuple[Head, Look]:
    """A head whose one identity, `subject`, is a new face, and how it is painted."""
    rng = np.random.default_rng([seed, 0])
    feminine = float(np.clip(rng.normal(0.15 if seed % 2 == 0 else 0.85, 0.12), 0, 1))
    offsets = feminine * head.identities["woman"] + (1 - feminine) * head.identities["man"]
    bent = _bend((head.vertices + offsets).numpy().astype(float), rng)
    offsets = offsets + torch.from_numpy(_rigid_eyes(head, bent)).float()
    return replace(head, identities={"subject": offsets}), _look(feminine, rng)


def _look(feminine: float, rng: np.random.Generator) -> Look:
    tone = rng.uniform(0, len(_SKINS) - 1)
    dark = tone / (len(_SKINS) - 1)
    style: HairStyle = "bob" if feminine > 0.5 else "short"
    hair = _HAIRS[rng.integers(len(_HAIRS)) if dark < 0.5 else rng.integers(3, 5)]
    iris = _IRISES[rng.integers(len(_IRISES)) if dark < 0.5 else rng.integers(2)]
    return Look(
        identity="subject",
        mood=dict(_MOOD),
        skin=_between(_SKINS, tone),
        blush=float(rng.uniform(0.7, 1.2)),
        freckles=float(rng.uniform(0.3, 1.6) * (1 - dark)),
        beard=0.0 if style == "bob" else float(rng.uniform(0.2, 1.0)),
        lips=_between(_LIPS, tone),
        lip_cover=0.55 + 0.2 * feminine,
        iris=iris,
        hair=hair,
        hair_style=style,
        brow_weight=1.15 - 0.3 * feminine,
        lash_weight=0.6 + 0.4 * feminine,
        cloth=_CLOTHS[rng.integers(len(_CLOTHS))],
    )


def _between(colours: tuple[Colour, ...], place: float) -> Colour:
    table = np.array(colours, float)
    mixed = [np.interp(place, np.arange(len(table)), table[:, channel]) for channel in range(3)]
    return (round(mixed[0]), round(mixed[1]), round(mixed[2]))


def _bend(vertices: Floats, rng: np.random.Generator) -> Floats:
    """A smooth field of offsets [V, 3], nearly the same on both sides of the face."""
    mirrored = vertices * [-1, 1, 1]
    field = _waves(vertices, mirrored, rng)
    own = _waves(vertices, vertices, rng)
    fade = smoothstep(*FADE, vertices[:, 1:2])
    return (field + LOPSIDED * own) * fade


def _waves(points: Floats, mirrored: Floats, rng: np.random.Generator) -> Floats:
    """Random plane waves, averaged with their mirror image where `mirrored` is not `points`."""
    total = np.zeros_like(points)
    for _ in range(WAVES):
        direction = rng.normal(size=3)
        wave = direction / np.linalg.norm(direction) * 2 * np.pi / rng.uniform(*WAVELENGTH)
        push, phase = rng.normal(size=3) * BEND / np.sqrt(WAVES / 2), rng.uniform(0, 2 * np.pi)
        here, there = np.cos(points @ wave + phase), np.cos(mirrored @ wave + phase)
        total += (np.outer(here, push) + np.outer(there, push * [-1, 1, 1])) / np.sqrt(2)
    return total


def _rigid_eyes(head: Head, offsets: Floats) -> Floats:
    """The same offsets [V, 3], but eyeballs are moved as a whole and stay round."""
    kept = offsets.copy()
    for group in ("l-eye", "r-eye"):
        rows = head.group_vertices(group).numpy()
        centre, _ = eyeball(head, head.vertices, group)
        near = np.linalg.norm(head.vertices.numpy() - centre.numpy(), axis=1) < 0.02
        kept[rows] = offsets[near].mean(0)
    return kept
