"""A made-up person, and their avatar: parts of the library on one identity's bust, without what
no view shows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from avatar.geometry.records import concatenated
from avatar.geometry.vectors import MM, Floats, mix, normalised, smoothstep
from avatar.lighting.occlusion import Fog
from avatar.people.bust import bust_of, bust_subject, with_flat_ears, with_mood
from avatar.people.complexion import lit
from avatar.people.eyes import eyes_of
from avatar.people.garment import Garment, garment_layer, garment_of
from avatar.people.glasses import Glasses, glasses_layer, wire_of
from avatar.people.hair_cards import Style
from avatar.people.layer import Layer, bound, without_unseen
from avatar.people.library import Library, load_library
from avatar.people.mouth import mouth_layer
from avatar.people.shading import Lighting, Studio, bust_shadows, linear, lit_hair
from avatar.people.skin import OpenSkin, Skin, place_skin, skin_discs, under_discs
from avatar.people.subject import Colour
from avatar.people.textured import BROW_SHADE, brow_layer, iris_albedo, lash_layer, skin_albedo
from avatar.rigging.avatar import Avatar
from research.people.beard import BETWEEN, BeardForm, beard_layer, bearded
from research.people.hair import GROWN_BOB, Hair, hair_of

Factors = tuple[float, float, float]


@dataclass(frozen=True)
class Person:
    """Everything in which made-up people differ. Colours are sRGB from 0 to 255; factors are those
    on linear red, green and blue."""

    mix: Mapping[str, float]
    """weights of the library's targets: the shape of skull and face"""
    modes: tuple[float, ...] = ()
    """coefficients of the shape space, from N(0, 1)"""
    mood: Mapping[str, float] = field(default_factory=dict)
    """weights of expression units that belong to the resting face"""
    skins: Mapping[str, float] = field(default_factory=dict)
    """the library's skins and their shares, which sum to 1"""
    tint: Factors = (1.0, 1.0, 1.0)
    """factors on the skin's colour"""
    lips: Factors = (1.0, 1.0, 1.0)
    """factors on the colour of the lips"""
    shine: float = 0.6
    """strength of the skin's highlights; 1 is oily"""
    iris: str = "brown"
    """name of the library's iris"""
    iris_colour: float = 0.55
    """saturation of the iris against the picture's"""
    brows: str = "eyebrow001"
    """name of the library's brows"""
    brow_weight: float = 1.0
    """opacity of the brows; 1 is average"""
    lashes: str = "eyelashes01"
    """name of the library's lashes"""
    lash_weight: float = 1.0
    """opacity of the lashes; 1 is average"""
    hair: Style | None = None
    """hair; None has none"""
    hair_colour: Colour = (70, 48, 34)
    """colour of hair and brows"""
    beard: BeardForm | None = None
    """which part of a short beard is grown, in the colour of the hair; None is shaved"""
    clothes: str = "female_sportsuit01"
    """name of the library's clothes"""
    cloth: Colour | None = None
    """mean colour of the cloth; None leaves it as the library has it"""
    glasses: Glasses | None = None
    """form of the glasses; None wears none"""
    frame: Colour = (40, 36, 34)
    """colour of the glasses' frame"""
    finer: float = 1.0
    """factor on the spacing of samples of the face's skin"""


PARTS = 8


def build_person(person: Person, seed: int = 0, done: Callable[[], None] = lambda: None) -> Avatar:
    """The avatar of a person; the same person and seed give the same avatar.

    done: called after each of PARTS parts.
    """
    scene = scene_of(person, np.random.default_rng(seed))
    layers = []
    for _, part in layers_of(scene):
        layers.append(part)
        done()
    return without_unseen(bound(concatenated(layers), scene.studio.subject))


@dataclass(frozen=True)
class PersonScene:
    """A person before the light: geometry, and what shadows it."""

    person: Person
    library: Library
    bust: Floats  # [B, 3] the library's base mesh in this person's shape, at rest
    uv: Floats  # [M, 3, 2] texture coordinates of the subject's triangles
    garment: Garment
    skin: OpenSkin
    hair: Hair | None
    studio: Studio


def scene_of(person: Person, rng: np.random.Generator) -> PersonScene:
    """The bust of a person, dressed and with hair, and the shadows that all this casts."""
    library = load_library()
    bust = with_mood(library, bust_of(library, person.mix, person.modes), person.mood)
    ears_covered = person.hair is not None and person.hair.name == GROWN_BOB  # it lies on them
    if ears_covered:
        bust = with_flat_ears(library, bust)
    clothes = library.parts[f"clothes/{person.clothes}"]
    garment = garment_of(clothes, bust, person.clothes)
    subject, uv = bust_subject(library, bust, clothes, garment.surface, ears_covered)
    rest, stretched = (bust_shadows(subject, shape) for shape in (subject.rest, subject.stretched))
    skin = place_skin(subject, rest, stretched, rng, person.finer)
    hair = hair_of(library, bust, person.hair, skin, rng) if person.hair else None
    fog = hair.fog if hair else Fog(np.zeros((2, 2, 2), np.float32), np.zeros(3))
    studio = Studio(subject, Lighting(rest, stretched, fog), rng)
    return PersonScene(person, library, bust, uv, garment, skin, hair, studio)


def layers_of(scene: PersonScene) -> Iterator[tuple[str, Layer]]:
    """The Gaussians of each of PARTS parts by name, in head space, at rest."""
    person, studio, library, bust = scene.person, scene.studio, scene.library, scene.bust
    skin, colour = scene.skin, person.hair_colour
    albedo = skin_albedo(skin, scene.uv, person.skins, person.tint, person.lips)
    if scene.hair:
        roots = linear(colour) * scene.hair.root_shade
        albedo = mix(albedo, roots, scene.hair.covers(skin))
    albedo = mix(albedo, BROW_SHADE * linear(colour), BETWEEN * bearded(skin.mm, person.beard))
    radiance = lit(studio, skin, albedo, person.shine)
    if not studio.subject.ears_covered:
        radiance = _never_dark(skin, radiance, albedo)
    yield "skin", skin_discs(studio.subject, skin, radiance)
    yield "under", under_discs(studio, skin, radiance)
    yield "eyes", eyes_of(studio, iris_albedo(library, bust, person.iris, person.iris_colour))
    yield "mouth", mouth_layer(studio)
    brows = [brow_layer(studio, library, bust, person.brows, colour, person.brow_weight)]
    if person.beard:
        brows.append(beard_layer(studio, skin, person.beard, colour))
    yield "brows", concatenated(brows)
    yield "lashes", lash_layer(studio, library, bust, person.lashes, person.lash_weight)
    if scene.hair:
        yield "hair", scene.hair.layer_in(studio, colour)
    worn = [garment_layer(studio, scene.garment, person.cloth)]
    if person.glasses:
        worn.append(_worn_glasses(studio, person.glasses, person.frame))
    yield "worn", concatenated(worn)


def _worn_glasses(studio: Studio, glasses: Glasses, colour: Colour) -> Layer:
    """The Gaussians of glasses whose frame has a colour."""
    wire = wire_of(glasses, studio.subject)
    outward = normalised(wire.points - studio.subject.rest.vertices.mean(0))
    visible = studio.light.at_rest(wire.points, 2 * MM)
    radiance = lit_hair(wire.points, wire.tangents, outward, visible, linear(colour)[None], GLOSS)
    return glasses_layer(studio.subject, wire, glasses.wire, radiance)


GLOSS = (0.12, 1.0)  # strengths of the frame's highlights


def _never_dark(skin: Skin, radiance: Floats, albedo: Floats) -> Floats:
    """Light scatters within ears, and between them and the hair around them."""
    aside = 0.8 * smoothstep(50 * MM, 58 * MM, np.abs(skin.points[:, 0]))
    least = LEAST_AT_EARS * np.maximum(skin.ears, aside)
    return np.maximum(radiance, least[:, None] * albedo)


LEAST_AT_EARS = 0.42  # radiance against albedo
