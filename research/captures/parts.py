"""The parts of a person as textured meshes that follow the head's mesh, and how they take light."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from avatar.geometry.records import stacked
from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import MM, Bools, Floats, Ints, axes, mix, normalised, smoothstep
from avatar.geometry.zbuffer import Cut
from avatar.heads import Head
from avatar.people.cards import Cards, along_lines, texture_flow
from avatar.people.hair_cards import SKULL
from avatar.people.library import Library
from avatar.people.masks import face_mask, feature_triangles, lip_mask, scalp_mask
from avatar.people.skin import DARK
from avatar.reconstruct.capture_writer import REGION_LABELS
from research.captures.light import BIAS, cast
from research.captures.texture import Texture, shrunk


class Material(NamedTuple):
    """How a part takes light, and its region."""

    region: str
    gloss: float = 0.0
    exponent: float = 20.0  # of the highlight
    softness: float = 0.3  # how far light wraps into the shadow
    bias: float = BIAS  # metres in front that do not shade it


MATERIALS = {
    "skin": Material("skin", 0.018, 26.0, 1.0),
    "eyes": Material("eyes", 0.024, 700.0, bias=0.2 * MM),  # lids shade them closely
    "teeth": Material("mouth", 0.030, 70.0),
    "tongue": Material("mouth", 0.030, 40.0, 1.0),
    "eyebrows": Material("skin"),
    "beard": Material("skin", bias=2 * MM),
    "eyelashes": Material("eyes"),
    "clothes": Material("background", 0.004, 8.0),
    "hair": Material("hair", 0.05, 50.0, bias=10 * MM),
    "glasses": Material("skin", 0.04, 80.0, bias=4 * MM),
}
SOLID = ("skin", "teeth", "tongue", "clothes")  # these throw shade; hair has its fog
STILL = {
    "hair": 1.0,
    "glasses": 1.0,
    "clothes": 0.0,
}  # no expression moves them; by how much the head's pose does


@dataclass(frozen=True)
class Points:
    """Vertices of all parts."""

    rest: Floats  # [P, 3] metres
    reference: Ints  # [P, 3] vertices of the head whose motion each follows ...
    weights: Floats  # [P, 3] ... by these shares
    follows: Floats  # [P] share of the head's pose
    fibres: Floats  # [P, 3] unit, direction of hair at rest; 0 of all else
    outward: Floats  # [P, 1] 1, or -1 where the mesh's own normal points inwards
    tint: Floats  # [P, 3] factor on the albedo
    gloss: Floats  # [P]
    softness: Floats  # [P]
    bias: Floats  # [P] metres


@dataclass(frozen=True)
class Triangles:
    """What is known of triangles at every timestep."""

    faces: Ints  # [Q, 3]
    uv: Floats  # [Q, 3, 2]
    picture: Ints  # [Q] number of a picture of the texture
    labels: NDArray[np.uint8]  # [Q] region
    exponent: Floats  # [Q] of the highlight
    fibrous: Bools  # [Q] hair
    solid: Bools  # [Q] throws shade

    def cut(self, texture: Texture) -> Cut:
        """Where they have holes."""
        return Cut(self.uv, texture.sizes[self.picture], texture.opaque)


Piece = tuple[Points, Triangles]
TexturedMesh = tuple[Floats, Ints, Floats]
"""Vertices [P, 3], triangles [M, 3] and texture coordinates [M, 3, 2]."""


def piece(
    library: Library,
    head: Head,
    kind: str,
    surface: TexturedMesh,
    bound_to: tuple[Ints, Floats],
    number: int,
) -> Piece:
    """A part of a kind with picture `number`, bound to vertices [P, 3] of the bust by weights
    [P, 3]."""
    rest, faces, uv = surface
    material, count, one = MATERIALS[kind], len(rest), np.ones(len(rest))
    reference, weights = bound_to
    place = np.zeros(len(library.vertices), np.int64)
    place[library.head] = np.arange(len(library.head))
    weights = weights * np.isin(reference, library.head)
    follows = (head.pose_weights.numpy()[place[reference]] * weights).sum(1)
    if kind in STILL:
        weights, follows = 0 * weights, STILL[kind] * one
    points = Points(
        rest=rest,
        reference=place[reference],
        weights=weights,
        follows=follows,
        fibres=np.zeros((count, 3)),
        outward=one[:, None],
        tint=np.ones((count, 3)),
        gloss=material.gloss * one,
        softness=material.softness * one,
        bias=material.bias * one,
    )
    triangles = Triangles(
        faces=faces,
        uv=uv,
        picture=np.full(len(faces), number),
        labels=np.full(len(faces), REGION_LABELS[material.region], np.uint8),
        exponent=np.full(len(faces), material.exponent),
        fibrous=np.full(len(faces), kind == "hair"),
        solid=np.full(len(faces), kind in SOLID),
    )
    return points, triangles


def bare_skin(library: Library, bust: Floats, hidden: Ints) -> TexturedMesh:
    """The skin of a bust [B, 3], but for what lies under clothes, which hide some vertices."""
    covered = np.isin(library.faces, hidden).any(1)
    kept = ~covered | np.isin(library.faces, library.head).all(1)
    return bust, library.faces[kept], library.uv[kept]


AROUND = 8  # corners of a wire


def tubes(lines: Sequence[Floats], radius: float) -> TexturedMesh:
    """The surface of a wire along lines [P, 3]."""
    parts = [_tube(line, radius) for line in lines]
    faces = stacked([faces for _, faces in parts], [len(points) for points, _ in parts])
    return np.concatenate([points for points, _ in parts]), faces, np.full((len(faces), 3, 2), 0.5)


def _tube(line: Floats, radius: float) -> tuple[Floats, Ints]:
    along = np.gradient(line, axis=0)
    _, first, second = np.moveaxis(axes(along, line - line.mean(0) + [0, 1e-3, 2e-3]), 2, 0)
    turned = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)[:, None]
    rings = line[:, None] + radius * (
        np.cos(turned) * first[:, None] + np.sin(turned) * second[:, None]
    )
    ring, corner = np.indices((len(line) - 1, AROUND))
    here, aside = ring * AROUND + corner, ring * AROUND + (corner + 1) % AROUND
    quads = np.stack([here, aside, aside + AROUND, here + AROUND], axis=-1).reshape(-1, 4)
    return rings.reshape(-1, 3), np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


BLADE = 0.6 * MM  # width of a hair at its root


def blades(roots: Floats, along: Floats, normals: Floats) -> TexturedMesh:
    """Flat hairs from roots [N, 3] along vectors [N, 3], which lie on normals [N, 3]: narrow
    triangles."""
    aside = BLADE / 2 * normalised(np.cross(along, normals))
    corners = np.stack([roots - aside, roots + aside, roots + along], axis=1).reshape(-1, 3)
    faces = np.arange(len(corners)).reshape(-1, 3)
    return corners, faces, np.full((len(faces), 3, 2), 0.5)


def as_skin(skin: Piece, library: Library, head: Head, lips: Floats) -> Piece:
    """Skin that shines on the face and is red on the lips, with its regions.

    lips [3]: factors on their colour.
    """
    points, triangles = skin
    mm = library.vertices / MM
    red = lip_mask(mm)
    shine = (0.5 + 0.6 * face_mask(mm) + red) * (1 - scalp_mask(mm))
    labels = _labels(library, head, points.rest, triangles.faces)
    tint = mix(points.tint, lips, red)
    return replace(points, tint=tint, gloss=points.gloss * shine), replace(triangles, labels=labels)


def _labels(library: Library, head: Head, bust: Floats, faces: Ints) -> NDArray[np.uint8]:
    """The region of each triangle [M] of the skin: lips count as mouth, lids as eyes."""
    region = library.head[head.regions["inner_mouth"].numpy()]
    inner, blink = np.zeros(len(bust), bool), np.zeros(len(bust))
    inner[region] = cast(bust, faces).visible(bust[region], 2 * MM).mean(1) < DARK
    moved = head.unit("eyeBlinkLeft") + head.unit("eyeBlinkRight")
    blink[library.head] = moved.norm(dim=1).numpy()
    mouth, eyes = feature_triangles(library.vertices, faces, blink, inner)
    scalp = scalp_mask(library.vertices[faces].mean(1) / MM) > 0.5
    labels = np.full(len(faces), REGION_LABELS["skin"], np.uint8)
    for name, mask in (("hair", scalp), ("mouth", mouth), ("eyes", eyes)):
        labels[mask] = REGION_LABELS[name]
    return labels


def as_hair(hair: Piece, texels: Floats) -> Piece:
    """Hair whose fibres run along the lines of its picture [H, W, 4], its normals off the skull."""
    points, triangles = hair
    faces, uv = triangles.faces, triangles.uv
    cards = Cards(points.rest, faces, uv, texels)
    every, flow = np.arange(len(faces)), texture_flow(shrunk(texels, 4), 1.0)
    along = normalised(along_lines(cards, every, uv.mean(1), flow)[:, :3])
    along *= np.where(along[:, 1:2] > 0, -1, 1)  # down, so that neighbours agree
    fibres = np.zeros_like(points.rest)
    np.add.at(fibres, faces.ravel(), np.repeat(along, 3, axis=0))
    facing = ((points.rest - SKULL) * point_normals(points.rest, faces)).sum(1, keepdims=True)
    outward = np.where(facing < 0, -1.0, 1.0)
    return replace(points, fibres=normalised(fibres), outward=outward), triangles


COVER = 0.75  # most by which hair hides the skin


def under_hair(skin: Points, library: Library, hair: Floats, factor: Floats) -> Points:
    """Skin whose colour under points of hair [N, 3] is multiplied by a factor [3]."""
    distance = KDTree(hair).query(skin.rest, 3)[0].mean(1)
    hidden = COVER * smoothstep(14 * MM, 5 * MM, distance) * scalp_mask(library.vertices / MM)
    return replace(skin, tint=mix(skin.tint, factor, hidden))
