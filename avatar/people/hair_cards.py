"""Hair of the library as strands on its cards, cut, with a lining."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import KDTree

from avatar.geometry.records import concatenated
from avatar.geometry.vectors import MM, Floats, axes, dot, smoothstep
from avatar.people.cards import Cards, CardStrands, strands_on
from avatar.people.layer import Layer, layer
from avatar.people.library import Library, texture
from avatar.people.masks import value_noise
from avatar.people.shading import linear
from avatar.people.skin import Skin
from avatar.people.subject import Subject, still_triangles

SKULL = np.array([0.0, 0.03, -0.01])  # metres: from here hair grows when it is scaled


@dataclass(frozen=True)
class Style:
    """A style of hair and how it is deformed; all but the name is of the library's hair."""

    name: str
    """the library's hair, or `grown-bob`"""
    growth: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """factors on width, height and depth, fully on what is far from the skull"""
    lift: float = 0.0
    """metres by which that rises"""
    waves: float = 0.0
    """metres by which it is bent to and fro"""
    wave_seed: int = 0
    """seed of these waves"""
    cut: float = -0.30
    """height in metres of the ends"""
    length: float = 6.0 * MM
    """metres between neighbours along a strand"""
    width: float = 1.0 * MM
    """metres between strands"""


LINING = 3.2 * MM  # between discs of the lining
LINED = 0.75  # opacity of cards that have a lining ...
INSIDE = 4 * MM  # ... so far from their edges
RAGGED = (7 * MM, 4 * MM)  # standard deviation of the height of the ends, of locks and of strands


def cards_of(library: Library, bust: Floats, name: str) -> Cards:
    """The library's hair of some name on a bust [B, 3]."""
    part = library.parts[f"hair/{name}"]
    return Cards(part.bound(bust), part.faces, part.uv, texture("hair", name))


def lined_strands(
    cards: Cards, style: Style, rng: np.random.Generator
) -> tuple[CardStrands, CardStrands]:
    """The strands on cards down to where they are cut, and the discs of their lining."""
    above = cards.vertices[cards.faces][..., 1].max(1) > style.cut - 3 * RAGGED[0]
    cards = replace(cards, faces=cards.faces[above], uv=cards.uv[above])
    strands = strands_on(cards, style.length, style.width, rng)
    lining = strands_on(cards, LINING, LINING, rng, cut=LINED, density=5)
    lining = lining[lining.from_edge > INSIDE]
    return _cut(strands, style, rng), _cut(lining, style, rng)


def _cut(strands: CardStrands, style: Style, rng: np.random.Generator) -> CardStrands:
    """Strands above the ragged line of the ends."""
    locks = RAGGED[0] * value_noise(strands.points * [1, 0.05, 1], 90, 7)
    end = style.cut + locks + RAGGED[1] * rng.normal(size=len(strands))
    return strands[strands.points[:, 1] > end]


COVER = 0.75  # most by which cards hide the skin


def covered(strands: CardStrands, skin: Skin) -> Floats:
    """How far [N] strands hide samples of skin."""
    distance = KDTree(strands.points).query(skin.points + skin.normals * 4 * MM, 4)[0]
    return COVER * smoothstep(9 * MM, 3 * MM, distance.mean(1)) * (skin.scalp > 0.1)


ALONG, THICKNESS, ACROSS = 0.55, 0.18 * MM, 0.6  # standard deviations: of the spacing, or metres
CONTRAST = 0.9  # exponent of a texel's luminance against the mean
LINING_DEPTH, LINING_SHADE = 1 * MM, 0.72


def tones(strands: CardStrands) -> Floats:
    """How light [N] strands are in the picture, around 1."""
    luminance = linear(255 * strands.colours) @ [0.3, 0.6, 0.1]
    return np.clip(luminance / luminance.mean(), 0.15, 3) ** CONTRAST


def strand_discs(
    subject: Subject, strands: CardStrands, lining: CardStrands, style: Style, radiance: Floats
) -> Layer:
    """Gaussians of strands of some radiance [N, 3], and of their lining, which takes it from
    them."""
    still = still_triangles(subject)
    over = layer(
        means=strands.points,
        axes=axes(strands.tangents, outward(strands)),
        scales=(style.length * ALONG, THICKNESS, style.width * ACROSS),
        radiance=radiance,
        opacities=np.clip(strands.alphas * 0.96, 0, 0.97),
        triangles=subject.nearest(still, strands.points),
    )
    inward = -outward(lining)
    near = KDTree(strands.points).query(lining.points, 6)[1]
    under = layer(
        means=lining.points + inward * LINING_DEPTH,
        axes=axes(lining.tangents, -inward),
        scales=(LINING * 0.73, 0.25 * MM, LINING * 0.73),
        radiance=radiance[near].mean(1) * LINING_SHADE,
        opacities=0.97,
        triangles=subject.nearest(still, lining.points),
    )
    return concatenated([under, over])


def outward(strands: CardStrands) -> Floats:
    """Normals [N, 3] that point away from the skull."""
    side = np.sign(dot(strands.points - [0.0, 0.02, 0.0], strands.normals))
    return strands.normals * np.where(side == 0, 1, side)
