"""Hair of made-up people: of the library, as strands on its cards, deformed, cut and coloured, with
a lining; or grown."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import KDTree

from avatar.geometry.records import concatenated
from avatar.geometry.vectors import MM, Floats, axes, dot, smoothstep
from avatar.lighting.occlusion import Fog, hair_fog
from avatar.people.cards import Cards, CardStrands, strands_on
from avatar.people.hair_styles import grow_strands, hair_fog_of
from avatar.people.layer import Layer, layer
from avatar.people.library import Library, texture
from avatar.people.masks import value_noise
from avatar.people.shading import Studio, linear, lit_hair
from avatar.people.skin import Skin
from avatar.people.strands import AMBIENT, still_triangles, strand_layer
from avatar.people.subject import HairStyle as PaintedStyle
from avatar.people.subject import Subject

SKULL = np.array([0.0, 0.03, -0.01])  # metres: from here hair grows when it is scaled
FREE = (90 * MM, 160 * MM)  # metres from there over which hair becomes free to be deformed


@dataclass(frozen=True)
class Style:
    """A style of hair and how it is deformed; all but the name is of the library's hair."""

    name: str
    """the library's hair, or one that is grown: `grown-bob`, `grown-short`"""
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


@dataclass(frozen=True)
class Hair:
    """Hair on one bust."""

    fog: Fog  # that stands for it where it takes light away
    layer_in: Callable[[Studio, ArrayLike], Layer]  # its Gaussians in a colour
    covers: Callable[[Skin], Floats]  # how far it hides samples of skin [N], in [0, 1]
    root_shade: float  # of its colour on the skin that it hides


GROWN: dict[str, PaintedStyle] = {"grown-bob": "bob", "grown-short": "short"}
GROWN_ROOTS, CARD_ROOTS = 0.28, 0.6


LINING = 3.2 * MM  # between discs of the lining
LINED = 0.75  # opacity of cards that have a lining ...
INSIDE = 4 * MM  # ... so far from their edges
RAGGED = (7 * MM, 4 * MM)  # standard deviation of the height of the ends, of locks and of strands


def hair_of(
    library: Library, bust: Floats, style: Style, skin: Skin, rng: np.random.Generator
) -> Hair:
    """The hair of a style on a bust [B, 3] with samples of its skin."""
    return (
        _grown(GROWN[style.name], skin, rng)
        if style.name in GROWN
        else _cards(library, bust, style, rng)
    )


def _grown(style: PaintedStyle, skin: Skin, rng: np.random.Generator) -> Hair:
    strands = grow_strands(skin, style, rng)

    def layer_in(studio: Studio, colour: ArrayLike) -> Layer:
        return concatenated([strand_layer(studio, group, colour) for group in strands])

    return Hair(hair_fog_of(strands, style), layer_in, lambda skin: skin.scalp**1.4, GROWN_ROOTS)


def _cards(library: Library, bust: Floats, style: Style, rng: np.random.Generator) -> Hair:
    cards = cards_of(library, bust, style.name)
    vertices = deformed(cards.vertices, style)
    strands, lining = lined_strands(replace(cards, vertices=vertices), style, rng)
    sections = strands.alphas * style.length * style.width * CROSS_SECTION
    return Hair(
        hair_fog(strands.points, sections),
        partial(card_layer, strands=strands, lining=lining, style=style),
        partial(covered, strands),
        CARD_ROOTS,
    )


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


def deformed(vertices: Floats, style: Style) -> Floats:
    """Vertices [P, 3] of cards, changed the more the farther from the skull."""
    outward = vertices - SKULL
    free = smoothstep(*FREE, np.linalg.norm(outward, axis=1))[:, None]
    moved = SKULL + outward * (1 + (np.array(style.growth) - 1) * free)
    moved = moved + np.array([0.0, style.lift, 0.0]) * free
    rng = np.random.default_rng(style.wave_seed)
    for _ in range(3):
        direction, frequency = rng.normal(size=3), rng.uniform(12, 28, 3)
        phase = rng.uniform(0, 2 * np.pi)
        moved += free * np.outer(np.sin(vertices @ frequency + phase), direction) * style.waves
    return moved


def _cut(strands: CardStrands, style: Style, rng: np.random.Generator) -> CardStrands:
    """Strands above the ragged line of the ends."""
    locks = RAGGED[0] * value_noise(strands.points * [1, 0.05, 1], 90, 7)
    end = style.cut + locks + RAGGED[1] * rng.normal(size=len(strands))
    return strands[strands.points[:, 1] > end]


CROSS_SECTION = 0.25  # of a strand's spacing, where it takes light away


COVER = 0.75  # most by which cards hide the skin


def covered(strands: CardStrands, skin: Skin) -> Floats:
    """How far [N] strands hide samples of skin."""
    distance = KDTree(strands.points).query(skin.points + skin.normals * 4 * MM, 4)[0]
    return COVER * smoothstep(9 * MM, 3 * MM, distance.mean(1)) * (skin.scalp > 0.1)


ALONG, THICKNESS, ACROSS = 0.55, 0.18 * MM, 0.6  # standard deviations: of the spacing, or metres
CONTRAST = 0.9  # exponent of a texel's luminance against the mean
BIAS, SKIP = 10 * MM, 6 * MM  # of shadows on hair, so that it does not shade itself
LINING_DEPTH, LINING_SHADE = 1 * MM, 0.72


LOBES = (0.035, 1.0)  # strengths of the highlights: pictures have some of them


def card_layer(
    studio: Studio, colour: ArrayLike, strands: CardStrands, lining: CardStrands, style: Style
) -> Layer:
    """Strands of one hue, light and dark as in the picture, over a lining that closes the gaps."""
    albedo = linear(colour) * tones(strands)[:, None]
    normals = outward(strands)
    visible = studio.light.at_rest(strands.points, BIAS, skip=SKIP)
    radiance = lit_hair(strands.points, strands.tangents, normals, visible, albedo, LOBES)
    flicker = np.clip(1 + 0.06 * studio.rng.normal(size=len(strands)), 0.6, 1.5)
    radiance = (radiance + AMBIENT * albedo) * flicker[:, None]
    return strand_discs(studio.subject, strands, lining, style, radiance)


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
