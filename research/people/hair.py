"""Hair of made-up people: of the library, as strands on its cards, deformed, cut and coloured, with
a lining; or a bob that is grown."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from avatar.geometry.records import concatenated
from avatar.geometry.vectors import MM, Floats, smoothstep
from avatar.lighting.occlusion import Fog, hair_fog
from avatar.people.cards import CardStrands
from avatar.people.hair_cards import (
    SKULL,
    Style,
    cards_of,
    covered,
    lined_strands,
    outward,
    strand_discs,
    tones,
)
from avatar.people.layer import Layer
from avatar.people.library import Library
from avatar.people.shading import Studio, linear, lit_hair
from avatar.people.skin import Skin
from research.people.hair_styles import bob_strands
from research.people.strands import AMBIENT, fog_of, strand_layer

FREE = (90 * MM, 160 * MM)  # metres from the skull over which hair becomes free to be deformed
GROWN_BOB = "grown-bob"
GROWN_ROOTS, CARD_ROOTS = 0.28, 0.6
DENSITY = 0.35  # of a bob as fog
CROSS_SECTION = 0.25  # of a strand's spacing, where it takes light away
BIAS, SKIP = 10 * MM, 6 * MM  # of shadows on hair, so that it does not shade itself
LOBES = (0.035, 1.0)  # strengths of the highlights: pictures have some of them


@dataclass(frozen=True)
class Hair:
    """Hair on one bust."""

    fog: Fog  # that stands for it where it takes light away
    layer_in: Callable[[Studio, ArrayLike], Layer]  # its Gaussians in a colour
    covers: Callable[[Skin], Floats]  # how far it hides samples of skin [N], in [0, 1]
    root_shade: float  # of its colour on the skin that it hides


def hair_of(
    library: Library, bust: Floats, style: Style, skin: Skin, rng: np.random.Generator
) -> Hair:
    """The hair of a style on a bust [B, 3] with samples of its skin."""
    if style.name == GROWN_BOB:
        return _grown_bob(skin, rng)
    return _cards(library, bust, style, rng)


def _grown_bob(skin: Skin, rng: np.random.Generator) -> Hair:
    strands = bob_strands(skin, rng)

    def layer_in(studio: Studio, colour: ArrayLike) -> Layer:
        return concatenated([strand_layer(studio, group, colour) for group in strands])

    return Hair(fog_of(strands, DENSITY), layer_in, lambda skin: skin.scalp**1.4, GROWN_ROOTS)


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


def deformed(vertices: Floats, style: Style) -> Floats:
    """Vertices [P, 3] of cards, changed the more the farther from the skull."""
    away = vertices - SKULL
    free = smoothstep(*FREE, np.linalg.norm(away, axis=1))[:, None]
    moved = SKULL + away * (1 + (np.array(style.growth) - 1) * free)
    moved = moved + np.array([0.0, style.lift, 0.0]) * free
    rng = np.random.default_rng(style.wave_seed)
    for _ in range(3):
        direction, frequency = rng.normal(size=3), rng.uniform(12, 28, 3)
        phase = rng.uniform(0, 2 * np.pi)
        moved += free * np.outer(np.sin(vertices @ frequency + phase), direction) * style.waves
    return moved


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
