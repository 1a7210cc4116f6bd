"""The sitter as a surface: what stays the same from moment to moment, and posing it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from avatar.demo.masks import ear_mask, lip_mask, nose_mask, scalp_mask
from avatar.demo.sitter import seat
from avatar.demo.surface import mesh
from avatar.demo.vectors import MM, normalised, smoothstep
from avatar.heads import Head, fit_units, load_head
from avatar.synthetic.body import Body, dress
from avatar.synthetic.files import REGION_LABELS
from avatar.synthetic.fine_hair import FineHair, fine_hair, place
from avatar.synthetic.hair import Hair, grow, lit_hair, shade_of
from avatar.synthetic.light import (
    BIAS,
    DIRECTIONS,
    Shades,
    cast,
    cavities,
    diffuse,
    lamp_visibility,
)
from avatar.synthetic.paint import inner_parts, paint
from avatar.synthetic.picture import Surface
from avatar.synthetic.subject import subject_of
from avatar.synthetic.tessellation import Tessellation, rounded_points, tessellate
from avatar.synthetic.texture import Texture

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]

ROUNDING = 0.65  # share of Phong tessellation
SKIN_SEGMENTS, ROUND_SEGMENTS = 2, 4
LID = 1.2 * MM  # what blinks move farther belongs to the eyes' region
EYE_BIAS = 0.0002  # metres: eyeballs throw no shade, so that lids may shade them closely
DEEPEST = 0.25  # share of its light that the deepest fold keeps
HARD = 0.3  # softness of all that is not skin
DARK = 0.10  # share of the sky: what sees less with the mouth shut lies inside it


@dataclass(frozen=True)
class Scene:
    """One sitter, painted, ready to be posed."""

    head: Head
    units: Tensor  # [E, V, 3] fitted to this face
    rest: Tensor  # [V, 3] the head's mesh at rest
    body: Body
    pieces: Tessellation
    hair: Hair
    fine_hair: FineHair
    through: Floats  # [B, D] share of each direction's light that the hair lets through
    texture: Texture
    faces: Ints  # [Q, 3] of mesh, hair, brows and lashes
    owners: Ints  # [Q] triangle of the texture
    corners: Floats  # [Q, 3, 3] where on that
    labels: NDArray[np.uint8]  # [Q]
    fibrous: Bools  # [Q]
    softness: Floats  # [B]
    bias: Floats  # [B] metres in front of a vertex that do not shade it
    cavities: Floats  # [B] share of its light that a vertex in a fold that never opens keeps
    spread: csr_matrix  # [B, M] sums triangles' normals to vertices
    solid: Ints  # [m, 3] triangles that throw shade


def build_scene(seed: int) -> Scene:
    """The sitter of a seed."""
    head, look = subject_of(load_head(), seed)
    sitter = seat(head, look)
    body = dress(sitter)
    rest = torch.from_numpy(sitter.rest.vertices[: len(head.vertices)]).float()
    shown = np.concatenate([body.skin, body.shoulders, body.cloth, body.band])
    solid = body.faces[np.concatenate([shown, sitter.part("upper-teeth", "lower-teeth", "tongue")])]
    shades = cast(body.vertices, solid)
    inner = _inner_mouth(body, shades)
    skin_rng, hair_rng, fine_rng = (np.random.default_rng([seed, 7, k]) for k in range(3))
    strands = grow(sitter, look, inner[: len(sitter.rest.vertices)], hair_rng)
    fog = shade_of(strands, look)
    hair = lit_hair(strands, look, shades, fog)
    fine = fine_hair(sitter, look, inner[: len(sitter.rest.vertices)], fine_rng)
    pieces = _pieces(body)
    texture = paint(body, look, inner, skin_rng)
    return Scene(
        head=head,
        units=fit_units(head, rest),
        rest=rest,
        body=body,
        pieces=pieces,
        hair=hair,
        fine_hair=fine,
        through=fog.transmitted(body.vertices, 2 * MM, DIRECTIONS).astype(float),
        softness=_by_part(body, 1.0, HARD, inner_parts(sitter), body.cloth, body.band),
        bias=_by_part(body, BIAS, EYE_BIAS, sitter.part("l-eye", "r-eye")),
        cavities=_cavities(body, inner, solid),
        spread=_spread(body),
        solid=solid,
        texture=Texture.joined([texture, hair.texture, fine.texture]),
        **_drawn(body, inner, pieces, hair, fine),
    )


def _drawn(
    body: Body, inner: Bools, pieces: Tessellation, hair: Hair, fine: FineHair
) -> dict[str, NDArray[Any]]:
    """All triangles: of the mesh, the hair, brows and lashes."""
    first_hair = len(pieces.triangles)
    first_fine = first_hair + len(hair.vertices)
    loose = len(hair.faces) + len(fine.faces)
    lash = np.where(fine.lash, REGION_LABELS["eyes"], REGION_LABELS["skin"])
    labels = (
        _labels(body, inner)[pieces.owners],
        np.full(len(hair.faces), REGION_LABELS["hair"]),
        lash,
    )
    return {
        "faces": np.concatenate([pieces.faces, hair.faces + first_hair, fine.faces + first_fine]),
        "owners": np.concatenate([pieces.owners, len(body.faces) + np.arange(loose)]),
        "corners": np.concatenate([pieces.corners, np.tile(np.eye(3), (loose, 1, 1))]),
        "labels": np.concatenate(labels).astype(np.uint8),
        "fibrous": np.arange(len(pieces.faces) + loose) >= len(pieces.faces),
    }


def pose_scene(scene: Scene, vertices: Floats, head_pose: Floats) -> Surface:
    """The lit surface of one moment: tracked vertices [V, 3] and the head's pose [4, 4]."""
    pieces, hair, fine = scene.pieces, scene.hair, scene.fine_hair
    whole = np.concatenate([vertices + scene.body.sink, scene.body.still])
    normals = _normals(scene, whole)
    visible = cast(whole, scene.solid).visible(whole + 0.5 * MM * normals, scene.bias)
    visible *= scene.through * scene.cavities[:, None]
    light, lamps = diffuse(normals, visible, scene.softness), lamp_visibility(visible)
    corners = scene.body.faces[pieces.triangles]
    points, facing = rounded_points(whole, normals, corners, pieces.weights, ROUNDING)
    turn = head_pose[:3, :3].astype(float)
    roots = scene.body.faces[fine.triangles]

    def joined(on_mesh: Floats, on_hair: Floats, by_vertex: Floats) -> Floats:
        """Values of the mesh's points, of the hair's, and of brows and lashes by their roots'."""
        return np.concatenate([on_mesh, on_hair, by_vertex[roots].mean(1)])

    def carried(values: Floats) -> Floats:
        return np.einsum("pc,pcx->px", pieces.weights, values[corners])

    return Surface(
        vertices=np.concatenate(
            [
                points,
                hair.vertices @ turn.T + head_pose[:3, 3],
                place(fine, whole, scene.body.faces),
            ]
        ),
        directions=np.concatenate([facing, hair.fibres @ turn.T, fine.tangents]),
        light=joined(carried(light), hair.light, light),
        lamps=joined(carried(lamps), hair.lamps, lamps),
        faces=scene.faces,
        owners=scene.owners,
        corners=scene.corners,
        labels=scene.labels,
        fibrous=scene.fibrous,
        texture=scene.texture,
    )


def _by_part(body: Body, usual: float, special: float, *parts: Ints) -> Floats:
    """Values [B] of vertices: the special one on the triangles of some parts."""
    values = np.full(len(body.vertices), usual)
    values[np.unique(body.faces[np.concatenate(parts)])] = special
    return values


def _cavities(body: Body, inner: Bools, solid: Ints) -> Floats:
    """What nostrils and the folds of the ears keep of their light [B]; all else keeps all."""
    sitter = body.sitter
    normals = mesh(body.vertices, body.faces).normals
    kept = DEEPEST + (1 - DEEPEST) * smoothstep(0.1, 0.75, cavities(body.vertices, normals, solid))
    count = len(sitter.head.vertices)
    painted = sitter.painted.vertices[:count] / MM
    still = ear_mask(painted) > 0.2
    still |= (nose_mask(painted) > 0.05) & (lip_mask(painted) < 0.02) & ~inner[:count]
    still[np.unique(body.faces[inner_parts(sitter)])] = False
    return np.where(np.pad(still, (0, len(kept) - count)), kept, 1.0)


def _normals(scene: Scene, vertices: Floats) -> Floats:
    places = vertices[scene.body.faces]
    by_face = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    return normalised(scene.spread @ by_face)


def _spread(body: Body) -> csr_matrix:
    columns = np.repeat(np.arange(len(body.faces)), 3)
    shape = (len(body.vertices), len(body.faces))
    return csr_matrix((np.ones(len(columns)), (body.faces.ravel(), columns)), shape=shape)


def _inner_mouth(body: Body, shades: Shades) -> Bools:
    """Vertices [B] behind the lips that see next to no sky while the mouth is shut."""
    inner = np.zeros(len(body.vertices), bool)
    region = body.sitter.head.regions["inner_mouth"].numpy()
    inner[region] = shades.visible(body.vertices[region]).mean(1) < DARK
    return inner


def _pieces(body: Body) -> Tessellation:
    """Fine triangles of all that may be seen."""
    rounded = inner_parts(body.sitter)
    shown = np.concatenate([body.skin, body.shoulders, body.cloth, body.band, rounded])
    segments = np.where(np.isin(shown, rounded), ROUND_SEGMENTS, SKIN_SEGMENTS)
    return tessellate(shown, segments)


def _labels(body: Body, inner: Bools) -> NDArray[np.uint8]:
    """The region [M] of each triangle: lips count as mouth, lids as eyes."""
    sitter = body.sitter
    labels = np.full(len(body.faces), REGION_LABELS["skin"], np.uint8)
    count = len(sitter.faces)
    centres = sitter.painted.vertices[sitter.faces].mean(1) / MM
    lips = lip_mask(centres) > 0.5
    mouth = lips | inner[sitter.faces].all(1)
    eyes = sitter.blink[sitter.faces].min(1) > LID
    scalp = scalp_mask(centres) > 0.5
    for name, mask in (("hair", scalp), ("mouth", mouth), ("eyes", eyes)):
        labels[:count][mask] = REGION_LABELS[name]
    labels[sitter.part("l-eye", "r-eye")] = REGION_LABELS["eyes"]
    labels[sitter.part("upper-teeth", "lower-teeth", "tongue")] = REGION_LABELS["mouth"]
    return labels
