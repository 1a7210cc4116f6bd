"""The sitter as a surface: what stays the same from moment to moment, and posing it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from avatar.demo.look import Look
from avatar.demo.masks import lip_mask, scalp_mask
from avatar.demo.sitter import Sitter, seat
from avatar.demo.skin import NECKLINE
from avatar.demo.surface import Spots, at_spots
from avatar.demo.vectors import MM, linear, mix, normalised, smoothstep
from avatar.heads import Head, fit_units, load_head
from avatar.synthetic.files import REGION_LABELS
from avatar.synthetic.light import cast, diffuse, lamp_visibility
from avatar.synthetic.picture import Surface
from avatar.synthetic.subject import subject_of
from avatar.synthetic.tessellation import Tessellation, rounded_points, tessellate
from avatar.synthetic.texture import Texture, resolutions, texel_places

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

ROUNDING = 0.65
SEGMENTS, EYE_SEGMENTS = 2, 4


@dataclass(frozen=True)
class Scene:
    """One sitter, painted, ready to be posed."""

    head: Head
    units: Tensor  # [E, V, 3] fitted to this face
    rest: Tensor  # [V, 3] the head's mesh at rest
    sitter: Sitter
    pieces: Tessellation
    texture: Texture
    labels: NDArray[np.uint8]  # [Q]
    softness: Floats  # [V + torso]
    spread: csr_matrix  # sums triangles' normals to vertices
    solid: Ints  # [m, 3] triangles that throw shade


def build_scene(seed: int) -> Scene:
    """The sitter of a seed."""
    head, look = subject_of(load_head(), seed)
    sitter = seat(head, look)
    rest = torch.from_numpy(sitter.rest.vertices[: len(head.vertices)]).float()
    eyes = sitter.part("l-eye", "r-eye")
    inside = sitter.part("upper-teeth", "lower-teeth", "tongue")
    shown = np.concatenate([sitter.skin, sitter.torso, eyes, inside])
    segments = np.full(len(shown), SEGMENTS)
    segments[np.isin(shown, eyes)] = EYE_SEGMENTS
    segments[np.isin(shown, inside)] = EYE_SEGMENTS
    pieces = tessellate(shown, segments)
    corners = sitter.faces[shown]
    spread = csr_matrix(
        (np.ones(corners.size), (corners.ravel(), np.repeat(np.arange(len(shown)), 3))),
        shape=(len(sitter.rest.vertices), len(shown)),
    )
    return Scene(
        head=head,
        units=fit_units(head, rest),
        rest=rest,
        sitter=sitter,
        pieces=pieces,
        texture=_paint(sitter, look, shown),
        labels=_labels(sitter)[pieces.owners],
        softness=np.where(
            np.isin(np.arange(len(sitter.rest.vertices)), corners[-len(inside) - len(eyes) :]),
            0.3,
            1.0,
        ),
        spread=spread,
        solid=corners,
    )


def pose_scene(scene: Scene, vertices: Floats) -> Surface:
    """The lit surface of one moment, by its tracked vertices [V, 3]."""
    sitter, pieces = scene.sitter, scene.pieces
    whole = np.concatenate([vertices, sitter.rest.vertices[len(vertices) :]]).astype(float)
    places = whole[scene.solid]
    by_face = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    normals = normalised(scene.spread @ by_face)
    visible = cast(whole, scene.solid).visible(whole + 0.5 * MM * normals)
    light, lamps = diffuse(normals, visible, scene.softness), lamp_visibility(visible)
    corners = sitter.faces[pieces.triangles]
    points, facing = rounded_points(whole, normals, corners, pieces.weights, ROUNDING)

    def carried(values: Floats) -> Floats:
        return np.einsum("pc,pcx->px", pieces.weights, values[corners])

    return Surface(
        vertices=points,
        normals=facing,
        fibres=np.zeros_like(points),
        light=carried(light),
        lamps=carried(lamps),
        faces=pieces.faces,
        owners=pieces.owners,
        corners=pieces.corners,
        labels=scene.labels,
        texture=scene.texture,
    )


def _labels(sitter: Sitter) -> NDArray[np.uint8]:
    """The region [M] of each triangle."""
    labels = np.full(len(sitter.faces), REGION_LABELS["skin"], np.uint8)
    labels[sitter.part("l-eye", "r-eye")] = REGION_LABELS["eyes"]
    labels[sitter.part("upper-teeth", "lower-teeth", "tongue")] = REGION_LABELS["mouth"]
    centres = sitter.painted.vertices[sitter.faces].mean(1) / MM
    inner = np.zeros(len(sitter.rest.vertices), bool)
    for name in ("inner_mouth", "lips"):
        inner[sitter.head.regions[name].numpy()] = True
    labels[inner[sitter.faces].all(1)] = REGION_LABELS["mouth"]
    labels[scalp_mask(centres) > 0.5] = REGION_LABELS["hair"]
    return labels


def _paint(sitter: Sitter, look: Look, shown: Ints) -> Texture:
    resolution = np.ones(len(sitter.faces), np.int64)
    resolution[shown] = resolutions(
        sitter.rest.vertices, sitter.faces[shown], np.full(len(shown), 0.8 * MM)
    )
    places = texel_places(resolution)
    spots = Spots(places.triangles, places.weights, np.ones(len(places.triangles)))
    mm = sitter.millimetres(spots)
    colour = np.tile(linear(look.skin), (len(mm), 1))
    colour = mix(colour, linear(look.lips), lip_mask(mm))
    colour = mix(colour, linear(look.hair), scalp_mask(mm))
    down = at_spots(np.maximum(sitter.down, -1), sitter.faces, spots)
    colour = mix(colour, linear(look.cloth), smoothstep(NECKLINE - 1 * MM, NECKLINE + 1 * MM, down))
    for group, paint in (
        ("upper-teeth", (236, 227, 208)),
        ("lower-teeth", (236, 227, 208)),
        ("tongue", (196, 108, 104)),
    ):
        colour[np.isin(places.triangles, sitter.part(group))] = linear(paint)
    for group in ("l-eye", "r-eye"):
        on = np.isin(places.triangles, sitter.part(group))
        centre, radius = sitter.eye(group)
        points = at_spots(sitter.rest.vertices, sitter.faces, spots)[on] - centre
        ahead = normalised(points)[:, 2]
        out = np.arccos(np.clip(ahead, -1, 1)) * radius
        eye = mix(
            np.tile(linear((232, 227, 222)), (on.sum(), 1)),
            linear(look.iris[1]),
            smoothstep(6.2 * MM, 5.8 * MM, out),
        )
        colour[on] = mix(eye, linear((9, 8, 8)), smoothstep(2.3 * MM, 1.9 * MM, out))
    gloss = np.full((len(mm), 1), 0.02)
    exponent = np.full((len(mm), 1), 22.0)
    return places.painted(np.concatenate([colour, gloss, exponent], axis=1))
