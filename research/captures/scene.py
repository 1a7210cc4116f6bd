"""The subject of a seed: a made-up person of the library as textured meshes, before it is posed."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.records import concatenated, stacked
from avatar.geometry.triangle_mesh import face_areas
from avatar.geometry.vectors import MM, Floats, mix
from avatar.heads import Head, fit_units, load_head
from avatar.lighting.occlusion import Fog, hair_fog
from avatar.people.bust import bust_of, with_mood
from avatar.people.glasses import lines_of
from avatar.people.library import load_library, texels_at
from avatar.people.shading import linear
from avatar.people.short_hair import LENGTH, downwards, risen, roots_on
from avatar.people.surface import Spots, at_spots, barycentric, mesh
from avatar.people.textured import BROW_SHADE
from avatar.reconstruct.capture_writer import REGION_LABELS
from research.captures.parts import (
    Piece,
    Points,
    Triangles,
    as_hair,
    as_skin,
    bare_skin,
    blades,
    piece,
    tubes,
    under_hair,
)
from research.captures.texture import Texture, joined, pictures_of
from research.people.beard import BETWEEN, GREYING, bearded
from research.people.hair import CARD_ROOTS, CROSS_SECTION, GROWN_BOB, deformed
from research.people.person import Person
from research.people.sampler import random_person

INNER = ("eyes", "mouth")  # regions of the skin on which no beard grows
LIKE_GROWN = "long01"  # hair that is grown as strands has no mesh: the library's most like it
FOG_SAMPLES = 40_000


@dataclass(frozen=True)
class Scene:
    """One subject, ready to be posed."""

    head: Head
    units: Tensor  # [E, V, 3] fitted to this face
    rest: Tensor  # [V, 3] the head's mesh at rest
    points: Points
    triangles: Triangles
    texture: Texture
    fog: Fog  # of the hair at rest


def build_scene(seed: int) -> Scene:
    """The subject of a seed; the same seed gives the same one."""
    person = random_person(seed)
    assert person.hair is not None
    name = LIKE_GROWN if person.hair.name == GROWN_BOB else person.hair.name
    person = replace(person, hair=replace(person.hair, name=name))
    rng = np.random.default_rng([seed, 7])
    head, pictures = load_head(), pictures_of(person)
    library = load_library()
    bust = with_mood(library, bust_of(library, person.mix, person.modes), person.mood)
    pieces = _pieces(person, bust, pictures, rng)
    points, triangles = zip(*pieces.values(), strict=True)
    faces = stacked([each.faces for each in triangles], [len(each.rest) for each in points])
    rest = torch.from_numpy(bust[library.head]).float()
    return Scene(
        head=head,
        units=fit_units(head, rest),
        rest=rest,
        points=concatenated(points),
        triangles=replace(concatenated(triangles), faces=faces),
        texture=joined(list(pictures.values()), rng),
        fog=_fog(pieces["hair"], pictures[f"hair/{name}"], rng),
    )


def _pieces(
    person: Person, bust: Floats, pictures: dict[str, Floats], rng: np.random.Generator
) -> dict[str, Piece]:
    """All parts on a bust [B, 3], by kind."""
    library, head, style = load_library(), load_head(), person.hair
    assert style is not None
    every = np.arange(len(bust))
    found: dict[str, Piece] = {}
    for number, name in enumerate(pictures):
        kind = name.split("/")[0]
        if kind == "beard":
            found[kind] = _beard(person, bust, found["skin"][1], number, rng)
            continue
        if kind == "skin":
            hides = library.parts[f"clothes/{person.clothes}"].hides
            surface = bare_skin(library, bust, hides)
            bound_to = np.tile(every[:, None], 3), np.tile([1.0, 0.0, 0.0], (len(bust), 1))
        elif kind == "glasses":
            assert person.glasses is not None
            lines = lines_of(person.glasses, head, bust[library.head])
            surface = tubes(lines, person.glasses.wire)
            bound_to = np.zeros((len(surface[0]), 3), np.int64), np.zeros((len(surface[0]), 3))
        else:
            part = library.parts[name]
            vertices = part.bound(bust)
            if kind == "hair":
                vertices = deformed(vertices, style)
            surface, bound_to = (vertices, part.faces, part.uv), (part.reference, part.weights)
        found[kind] = piece(library, head, kind, surface, bound_to, number)
        if kind == "skin":
            found[kind] = as_skin(found[kind], library, head, np.array(person.lips))
    hair = as_hair(found["hair"], pictures[f"hair/{style.name}"])
    skin, triangles = found["skin"]
    roots = CARD_ROOTS * linear(person.hair_colour) / np.median(pictures["skin/skin"], (0, 1))[:3]
    skin = under_hair(skin, library, hair[0].rest, roots)
    between = BETWEEN * bearded(library.vertices / MM, person.beard)
    skin = replace(skin, tint=mix(skin.tint, BROW_SHADE / CARD_ROOTS * roots, between))
    return {**found, "hair": hair, "skin": (skin, triangles)}


def _beard(
    person: Person, bust: Floats, skin: Triangles, number: int, rng: np.random.Generator
) -> Piece:
    """The hairs of a beard on the skin of a bust [B, 3]."""
    library, head = load_library(), load_head()
    surface = mesh(bust, skin.faces)

    def hairy(spots: Spots) -> Floats:
        return bearded(at_spots(library.vertices, surface.faces, spots) / MM, person.beard)

    outer = np.flatnonzero(~np.isin(skin.labels, [REGION_LABELS[each] for each in INNER]))
    roots = roots_on(surface, outer, hairy, rng)
    along = LENGTH * risen(roots, downwards(roots.points), rng)
    corners = np.repeat(surface.faces[roots.spots.triangles], 3, axis=0)
    bound_to = corners, np.repeat(roots.spots.weights, 3, axis=0)
    points, triangles = piece(
        library, head, "beard", blades(roots.points, along, roots.normals), bound_to, number
    )
    tint = np.exp(GREYING * rng.normal(size=(len(roots), 1)))
    return replace(points, tint=np.repeat(tint, 3, axis=0) * points.tint), triangles


def _fog(hair: Piece, texels: Floats, rng: np.random.Generator) -> Fog:
    """The fog that stands for hair where it takes light away."""
    points, triangles = hair
    areas = face_areas(points.rest, triangles.faces)
    pick = rng.choice(len(areas), FOG_SAMPLES, p=areas / areas.sum())
    weights = barycentric(FOG_SAMPLES, rng)
    uv = np.einsum("nc,ncx->nx", weights, triangles.uv[pick])
    places = np.einsum("nc,ncx->nx", weights, points.rest[triangles.faces[pick]])
    alphas = texels_at(texels[..., 3:], uv)[:, 0]
    return hair_fog(places, CROSS_SECTION * alphas * areas.sum() / FOG_SAMPLES)
