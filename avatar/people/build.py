"""Put the portrait together and bind it to the head."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from avatar.geometry.records import concatenated
from avatar.heads import load_head
from avatar.people.brows import brow_layer, lash_layer
from avatar.people.clothes import clothes_layer
from avatar.people.complexion import skin_radiance
from avatar.people.eyes import eye_layer
from avatar.people.hair_styles import grow_strands, hair_fog_of
from avatar.people.layer import Layer
from avatar.people.mouth import mouth_layer
from avatar.people.shading import Lighting, Studio, head_shadows
from avatar.people.skin import place_skin, skin_discs, under_discs
from avatar.people.strands import strand_layer
from avatar.people.subject import Look, Subject, make_subject
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import bind

PARTS = 8


def build_avatar(look: Look, seed: int = 0, done: Callable[[], None] = lambda: None) -> Avatar:
    """An avatar of the given look; the same look and seed give the same avatar.

    done: called after each of PARTS parts.
    """
    subject = make_subject(load_head(), look)
    layers = []
    for _, part in portrait(subject, look, np.random.default_rng(seed)):
        layers.append(part)
        done()
    return bound(concatenated(layers), subject)


def portrait(subject: Subject, look: Look, rng: np.random.Generator) -> Iterator[tuple[str, Layer]]:
    """The Gaussians of each of PARTS parts by name, in head space, in the resting pose."""
    rest, stretched = (head_shadows(subject, shape) for shape in (subject.rest, subject.stretched))
    skin = place_skin(subject, rest, stretched, rng)
    strands = grow_strands(skin, look, rng)
    light = Lighting(rest, stretched, hair_fog_of(strands, look))
    studio = Studio(subject, look, light, rng)
    radiance = skin_radiance(studio, skin)
    yield "skin", skin_discs(subject, skin, radiance)
    yield "under", under_discs(studio, skin, radiance)
    yield "eyes", eye_layer(studio)
    yield "mouth", mouth_layer(studio)
    yield "brows", brow_layer(studio, skin)
    yield "lashes", lash_layer(studio)
    yield "hair", concatenated([strand_layer(studio, group) for group in strands])
    yield "clothes", clothes_layer(studio)


def bound(layer: Layer, subject: Subject) -> Avatar:
    """Gaussians of a layer bound to the triangles of the subject's head."""
    vertices = torch.from_numpy(subject.rest.vertices[: len(subject.head.vertices)]).float()
    binding = torch.from_numpy(subject.owners[layer.triangles])
    faces = subject.head.faces
    return Avatar(
        bind(layer.gaussians(), binding, vertices, faces), binding, vertices, faces, "anny-head"
    )
