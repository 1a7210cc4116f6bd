"""Put the portrait together and bind it to the head."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from avatar.heads import load_head
from avatar.mesh.records import concatenated
from avatar.rig.avatar import Avatar
from avatar.rig.binding import bind
from avatar.synthetic.portrait.brows import brow_layer, lash_layer
from avatar.synthetic.portrait.clothes import clothes_layer
from avatar.synthetic.portrait.complexion import skin_radiance
from avatar.synthetic.portrait.eyes import eye_layer
from avatar.synthetic.portrait.hair import strand_layer
from avatar.synthetic.portrait.layer import Layer
from avatar.synthetic.portrait.lighting import Lighting, Studio, head_shadows
from avatar.synthetic.portrait.mouth import mouth_layer
from avatar.synthetic.portrait.skin import place_skin, skin_discs, under_discs
from avatar.synthetic.shared.hair import grown, shade_of
from avatar.synthetic.shared.look import Look
from avatar.synthetic.shared.sitter import Sitter, seat

PARTS = 8


def build_avatar(look: Look, seed: int = 0, done: Callable[[], None] = lambda: None) -> Avatar:
    """An avatar of the given look; the same look and seed give the same avatar.

    done: called after each of PARTS parts.
    """
    sitter = seat(load_head(), look)
    layers = []
    for _, part in portrait(sitter, look, np.random.default_rng(seed)):
        layers.append(part)
        done()
    return bound(concatenated(layers), sitter)


def portrait(sitter: Sitter, look: Look, rng: np.random.Generator) -> Iterator[tuple[str, Layer]]:
    """The Gaussians of each of PARTS parts by name, in head space, in the resting pose."""
    rest, stretched = (head_shadows(sitter, shape) for shape in (sitter.rest, sitter.stretched))
    skin = place_skin(sitter, rest, stretched, rng)
    strands = grown(skin, look, rng)
    light = Lighting(rest, stretched, shade_of(strands, look))
    studio = Studio(sitter, look, light, rng)
    radiance = skin_radiance(studio, skin)
    yield "skin", skin_discs(sitter, skin, radiance)
    yield "under", under_discs(studio, skin, radiance)
    yield "eyes", eye_layer(studio)
    yield "mouth", mouth_layer(studio)
    yield "brows", brow_layer(studio, skin)
    yield "lashes", lash_layer(studio)
    yield "hair", concatenated([strand_layer(studio, group) for group in strands])
    yield "clothes", clothes_layer(studio)


def bound(layer: Layer, sitter: Sitter) -> Avatar:
    """Gaussians of a layer tied to the triangles of the sitter's head."""
    vertices = torch.from_numpy(sitter.rest.vertices[: len(sitter.head.vertices)]).float()
    binding = torch.from_numpy(sitter.owners[layer.triangles])
    faces = sitter.head.faces
    return Avatar(
        bind(layer.gaussians(), binding, vertices, faces), binding, vertices, faces, "anny-head"
    )
