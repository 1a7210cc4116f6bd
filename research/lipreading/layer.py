"""Gaussian discs on the mouth's part of a head: skin around it, lips, lining, teeth, tongue.

They are spread evenly on the shape with open jaw, to leave no gaps when it opens, and are bound to
the triangles at rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.records import concatenated
from avatar.geometry.rotations import matrix_to_quaternion
from avatar.geometry.vectors import MM, Bools, Floats, Ints, smoothstep
from avatar.heads import Head
from avatar.lighting.occlusion import DIRECTIONS, cast_shadows
from avatar.people.masks import lip_mask
from avatar.people.surface import Mesh, Spots, at_spots, even_spots, mesh, skinned_discs
from avatar.rigging.binding import bind
from splat import Gaussians, activate

REACH = 66 * MM  # of the crop around the middle of the mouth, with room to turn
BEHIND = 40 * MM  # z behind which nothing is ever seen of the crop
OPEN = {"jawOpen": 0.9}
GROUPS = ("body", "tongue", "upper-teeth", "lower-teeth")
SPACING = {
    "skin": 2.4 * MM,
    "lips": 1.2 * MM,
    "inside": 2.0 * MM,
    "tongue": 1.7 * MM,
    "teeth": 1.3 * MM,
}
GREY = {"skin": 0.80, "lips": 0.47, "inside": 0.32, "tongue": 0.50, "teeth": 1.0, "gum": 0.45}
"""What each kind of surface reflects of the light."""
KINDS = tuple(GREY)
GLOSS = {"skin": 0.03, "lips": 0.16, "inside": 0.05, "tongue": 0.12, "teeth": 0.12}
SPREAD, THICKNESS = 0.95, 0.15  # radius against spacing and thickness, of a disc
OPACITY = 0.97
CROWN = 9.5 * MM  # height of the front teeth
SEEN = 0.02  # share of the frontal light, with the jaw open, below which nothing is ever seen
FULL_LIGHT = {"inside": 0.9, "tongue": 0.7, "teeth": 0.25}  # the share at which each is brightest
SHUT_IN = 0.15  # share of the frontal light, lips sealed, below which a vertex is inside
FRONTAL = DIRECTIONS[DIRECTIONS[:, 2] > 0.6]  # [D, 3]


@dataclass(frozen=True)
class MouthLayer:
    """What the mouth is drawn with; triangles and vertices are numbered within it."""

    vertices: Tensor  # [v] the head's vertices that the layer hangs on
    faces: Tensor  # [m, 3]
    binding: Tensor  # [N] triangle of each disc
    weights: Tensor  # [N, 3] barycentric position in that triangle
    local: Gaussians  # [N] in the frames of their triangles
    paint: Tensor  # [N, K] share of each of `KINDS`, less where it is darker than that
    gloss: Tensor  # [N] height of the highlight


@dataclass(frozen=True)
class _Shapes:
    """The head's resting and open shape and how much frontal light reaches each vertex."""

    rest: Mesh
    opened: Mesh
    light_rest: Floats  # [V] in [0, 1]
    light_open: Floats  # [V] in [0, 1]


@dataclass(frozen=True)
class _Part:
    """Discs of one kind, spread evenly over the head in one shape."""

    shape: Mesh
    spots: Spots  # [n]
    paint: Floats  # [n, K]
    gloss: Floats  # [n]


def mouth_layer(head: Head) -> MouthLayer:
    """The mouth of a head in its resting identity; the same on every call."""
    shapes = _shapes(head)
    rng = np.random.default_rng(0)
    inner = np.zeros(len(head.vertices), bool)
    inner[head.regions["inner_mouth"].numpy()] = True
    inner &= shapes.light_rest < SHUT_IN
    body = _near(head, "body")
    within = inner[shapes.rest.faces[body]].all(1)
    parts = [
        _skin(head, shapes, body[~within], inner, rng),
        _inside(shapes, body[within], "inside", rng),  # cheeks, gums and throat
        _teeth(head, shapes, "upper-teeth", rng),
        _teeth(head, shapes, "lower-teeth", rng),
        _inside(shapes, _near(head, "tongue"), "tongue", rng),
    ]
    return _bound(head, shapes.rest, parts)


def _shapes(head: Head) -> _Shapes:
    faces = head.faces.numpy()
    rest = mesh(head.vertices.numpy().astype(float), faces)
    opened = mesh((head.vertices + head.express(OPEN)).numpy().astype(float), faces)
    solid = head.group_faces(*GROUPS).numpy()
    lights = (
        cast_shadows(shape.vertices, faces[solid], FRONTAL).visible(shape.vertices, 2 * MM).mean(1)
        for shape in (rest, opened)
    )
    return _Shapes(rest, opened, *lights)


def _skin(
    head: Head, shapes: _Shapes, triangles: Ints, inner: Bools, rng: np.random.Generator
) -> _Part:
    """Face and lips; in creases it is darker."""
    mm = shapes.rest.vertices / MM
    spacing = np.where(_round_lips(head), SPACING["lips"], SPACING["skin"])
    spots = even_spots(shapes.opened, triangles, spacing, rng)
    red = lip_mask(at_spots(mm, shapes.rest.faces, spots))
    inside = smoothstep(0.4, 0.9, at_spots(inner.astype(float), shapes.rest.faces, spots))
    paint = _paint(skin=(1 - red) * (1 - inside), lips=red * (1 - inside), inside=inside)
    light = np.maximum(shapes.light_rest, shapes.light_open)
    crease = smoothstep(0.8, 0.1, at_spots(light, shapes.rest.faces, spots))
    gloss = GLOSS["skin"] + (GLOSS["lips"] - GLOSS["skin"]) * red
    return _Part(shapes.opened, spots, paint * (1 - 0.45 * crease)[:, None], gloss)


def _paint(**shares: Floats) -> Floats:
    """Shares [n] of some kinds → of all of them [n, K]."""
    nothing = np.zeros_like(next(iter(shares.values())))
    return np.stack([shares.get(kind, nothing) for kind in KINDS], 1)


def _round_lips(head: Head) -> Bools:
    """Vertices [V] of triangles that touch the lips."""
    touching = torch.isin(head.faces, head.regions["lips"]).any(1)
    near = np.zeros(len(head.vertices), bool)
    near[head.faces[touching].numpy()] = True
    return near


def _teeth(head: Head, shapes: _Shapes, group: str, rng: np.random.Generator) -> _Part:
    """A row of teeth with its gum."""
    part = _inside(shapes, _near(head, group), "teeth", rng)
    height = at_spots(shapes.rest.vertices, shapes.rest.faces, part.spots)[:, 1]
    row = shapes.rest.vertices[head.group_vertices(group).numpy(), 1]
    from_tip = height - row.min() if group == "upper-teeth" else row.max() - height
    gum = smoothstep(CROWN, CROWN + 3 * MM, from_tip)
    shade = part.paint.sum(1)
    return replace(part, paint=_paint(teeth=shade * (1 - gum), gum=shade * gum))


def _inside(shapes: _Shapes, triangles: Ints, kind: str, rng: np.random.Generator) -> _Part:
    """What lies behind the lips, darker where little light falls with the jaw open."""
    spots = even_spots(shapes.rest, triangles, SPACING[kind], rng)
    light = at_spots(shapes.light_open, shapes.rest.faces, spots)
    spots, light = spots[light > SEEN], light[light > SEEN]
    shade = 0.12 + 0.88 * np.clip(light / FULL_LIGHT[kind], 0, 1)
    return _Part(shapes.rest, spots, _paint(**{kind: shade}), GLOSS[kind] * shade)


def _near(head: Head, group: str) -> Ints:
    """Triangles [m] of a group that a crop may show."""
    triangles = head.group_faces(group)
    corners = head.vertices[head.faces[triangles]]  # [m, 3, 3]
    centre = head.vertices[head.regions["lip_inner_upper"]].mean(0)
    aside = (corners - centre)[..., :2].abs().amax((1, 2))
    neck = torch.isin(head.faces[triangles], head.regions["neck"]).any(1)
    return triangles[(aside < REACH) & (corners[..., 2].amax(1) > BEHIND) & ~neck].numpy()


def _discs(rest: Mesh, part: _Part) -> Gaussians:
    """Discs on the resting mesh that lie on the surface when it takes the part's own shape."""
    points, axes, growth = skinned_discs(part.shape, rest, part.spots)
    radii = SPREAD * part.spots.spacing * growth
    return Gaussians(
        means=_floats(points),
        quats=matrix_to_quaternion(_floats(axes)),
        scales=_floats(np.stack([radii, THICKNESS * radii, radii], 1)),
        opacities=torch.full((len(radii),), OPACITY),
        sh=torch.zeros(len(radii), 1, 3),
    )


def _bound(head: Head, rest: Mesh, parts: Sequence[_Part]) -> MouthLayer:
    """All parts in one, hung on the triangles that a crop may show."""
    world = concatenated([_discs(rest, part) for part in parts])
    triangles = torch.cat([torch.from_numpy(part.spots.triangles) for part in parts])
    near = torch.cat([torch.from_numpy(_near(head, group)) for group in GROUPS]).sort().values
    binding = torch.searchsorted(near, triangles)
    vertices, faces = head.faces[near].unique(return_inverse=True)
    return MouthLayer(
        vertices=vertices,
        faces=faces,
        binding=binding,
        weights=_floats(np.concatenate([part.spots.weights for part in parts])),
        local=activate(bind(world, binding, head.vertices[vertices], faces)),
        paint=_floats(np.concatenate([part.paint for part in parts])),
        gloss=_floats(np.concatenate([part.gloss for part in parts])),
    )


def _floats(array: Floats) -> Tensor:
    return torch.from_numpy(array).float()
