"""The sitter of a seed: everything that stays the same from timestep to timestep."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.capture.write import REGION_LABELS
from avatar.heads import Head, fit_units, load_head
from avatar.light.fog import Fog
from avatar.mesh.records import concatenated, stacked
from avatar.mesh.vectors import MM, Bools, Ints
from avatar.synthetic.capture.body import Body, dress
from avatar.synthetic.capture.fine_hair import FineHair, fine_hair
from avatar.synthetic.capture.hair import Hair, grow, lit_hair
from avatar.synthetic.capture.light import StageLight, cast
from avatar.synthetic.capture.matter import Matter, matter_of
from avatar.synthetic.capture.paint import inner_parts, paint
from avatar.synthetic.capture.picture import Triangles
from avatar.synthetic.capture.subject import subject_of
from avatar.synthetic.capture.tessellation import Tessellation, tessellate
from avatar.synthetic.capture.texture import Texture
from avatar.synthetic.shared.hair import shade_of
from avatar.synthetic.shared.masks import feature_triangles, scalp_mask
from avatar.synthetic.shared.sitter import seat
from avatar.synthetic.shared.skin import inside_mouth

SKIN_SEGMENTS, ROUND_SEGMENTS = 2, 4


@dataclass(frozen=True)
class Scene:
    """One sitter, painted, ready to be posed."""

    head: Head
    units: Tensor  # [E, V, 3] fitted to this face
    rest: Tensor  # [V, 3] the head's mesh at rest
    body: Body
    solid: Ints  # [m, 3] triangles of the body that throw shade
    matter: Matter
    pieces: Tessellation  # of the body
    hair: Hair
    fine_hair: FineHair
    fog: Fog  # of the hair
    triangles: Triangles  # of the body's pieces, the hair, brows and lashes


def build_scene(seed: int) -> Scene:
    """The sitter of a seed; the same seed gives the same one."""
    head, look = subject_of(load_head(), seed)
    sitter = seat(head, look)
    body = dress(sitter)
    rest = torch.from_numpy(sitter.rest.vertices[: len(head.vertices)]).float()
    solid = _solid(body)
    shadows = cast(body.vertices, solid)
    inner = inside_mouth(sitter, shadows)
    skin_rng, hair_rng, fine_rng = (np.random.default_rng([seed, 7, k]) for k in range(3))
    strands = grow(sitter, look, inner, hair_rng)
    fog = shade_of(strands, look)
    hair = lit_hair(strands, look, shadows, fog)
    fine = fine_hair(sitter, look, inner, fine_rng)
    pieces = _pieces(body)
    texture = paint(body, look, inner, skin_rng)
    return Scene(
        head=head,
        units=fit_units(head, rest),
        rest=rest,
        body=body,
        solid=solid,
        matter=matter_of(body, inner, solid, fog),
        pieces=pieces,
        hair=hair,
        fine_hair=fine,
        fog=fog,
        triangles=_triangles(body, _labels(body, inner), texture, pieces, hair, fine),
    )


def under_light(scene: Scene, light: StageLight) -> Scene:
    """The same sitter under another light."""
    body = scene.body
    shadows = cast(body.vertices, scene.solid, directions=light.directions)
    return replace(
        scene,
        matter=scene.matter.under(light, body, scene.fog),
        hair=scene.hair.under(light, shadows, scene.fog),
    )


def _solid(body: Body) -> Ints:
    """What throws shade [m, 3]: all but eyeballs and lashes; hair has its fog."""
    teeth = body.sitter.part("upper-teeth", "lower-teeth", "tongue")
    return body.faces[np.concatenate([body.skin, body.shoulders, body.cloth, body.band, teeth])]


def _pieces(body: Body) -> Tessellation:
    """Fine triangles of all of the body that may be seen."""
    rounded = inner_parts(body.sitter)
    shown = np.concatenate([body.skin, body.shoulders, body.cloth, body.band, rounded])
    segments = np.where(np.isin(shown, rounded), ROUND_SEGMENTS, SKIN_SEGMENTS)
    return tessellate(shown, segments)


def _triangles(
    body: Body,
    labels: NDArray[np.uint8],
    texture: Texture,
    pieces: Tessellation,
    hair: Hair,
    fine: FineHair,
) -> Triangles:
    """All that is drawn: pieces of the body, ribbons of hair, brows and lashes."""
    parts = (pieces, hair, fine)
    counts = [len(pieces.triangles), len(hair.vertices), len(fine.triangles)]
    loose = len(hair.faces) + len(fine.faces)
    on_hair = np.full(len(hair.faces), REGION_LABELS["hair"])
    on_fine = np.where(fine.lash, REGION_LABELS["eyes"], REGION_LABELS["skin"])
    every_label = np.concatenate([labels[pieces.owners], on_hair, on_fine])
    return Triangles(
        faces=stacked([part.faces for part in parts], counts),
        owners=np.concatenate([pieces.owners, len(body.faces) + np.arange(loose)]),
        corners=np.concatenate([pieces.corners, np.tile(np.eye(3), (loose, 1, 1))]),
        labels=every_label.astype(np.uint8),
        fibrous=np.arange(len(pieces.faces) + loose) >= len(pieces.faces),
        texture=concatenated([texture, hair.texture, fine.texture]),
    )


def _labels(body: Body, inner: Bools) -> NDArray[np.uint8]:
    """The region [M] of each triangle: lips count as mouth, lids as eyes, clothes as none."""
    sitter = body.sitter
    labels = np.full(len(body.faces), REGION_LABELS["skin"], np.uint8)
    count = len(sitter.faces)
    centres = sitter.painted.vertices[sitter.faces].mean(1) / MM
    scalp = scalp_mask(centres) > 0.5
    mouth, eyes = feature_triangles(sitter.painted.vertices, sitter.faces, sitter.blink, inner)
    for name, mask in (("hair", scalp), ("mouth", mouth), ("eyes", eyes)):
        labels[:count][mask] = REGION_LABELS[name]
    labels[sitter.part("l-eye", "r-eye")] = REGION_LABELS["eyes"]
    labels[sitter.part("upper-teeth", "lower-teeth", "tongue")] = REGION_LABELS["mouth"]
    labels[np.concatenate([body.cloth, body.band])] = REGION_LABELS["background"]
    return labels
