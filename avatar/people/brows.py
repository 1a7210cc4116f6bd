"""Brows and lashes as single hairs, thin and half transparent, or they look like make-up."""

import numpy as np
from scipy.spatial import KDTree

from avatar.geometry.edges import directed_edges
from avatar.geometry.records import concatenated
from avatar.geometry.triangle_mesh import face_areas
from avatar.geometry.vectors import MM, Floats, Ints, axes, dot, normalised, smoothstep
from avatar.people.layer import Layer, layer
from avatar.people.shading import Studio, linear, lit_skin
from avatar.people.skin import Skin
from avatar.people.subject import Look, Subject
from avatar.people.surface import Spots, at_spots


class FaceFront:
    """The face seen from the front, to position hairs by their x and y on the mean head."""

    def __init__(self, skin: Skin) -> None:
        front = np.flatnonzero((skin.normals[:, 2] > 0.1) & (skin.mm[:, 2] > 35))
        self.mm, self.points = skin.mm[front], skin.points[front]
        self.normals, self.triangles = skin.normals[front], skin.spots.triangles[front]
        self.tree = KDTree(self.mm[:, :2])

    def place(self, xy: Floats) -> tuple[Floats, Floats, Ints]:
        """Points and normals [N, 3] of the resting face under xy [N, 2] mm, and triangles [N]."""
        distance, near = (np.asarray(found) for found in self.tree.query(xy, 6))
        depth = self.mm[near][:, :, 2]
        weights = np.exp(-((distance / 1.2) ** 2) - (depth.max(1, keepdims=True) - depth) / 5)
        weights = (weights + 1e-9) / (weights + 1e-9).sum(1, keepdims=True)
        moved = self.points[near] - self.mm[near] * MM
        base = np.column_stack([xy, (depth * weights).sum(1)]) * MM
        points = base + (moved * weights[..., None]).sum(1)
        normals = normalised((self.normals[near] * weights[..., None]).sum(1))
        return points, normals, self.triangles[near[:, 0]]


def brow_roots(along: Floats, offset: Floats, look: Look) -> Floats:
    """Roots [N, 2] in millimetres on the left brow: an arch that thins outwards."""
    arch = 34.8 + 4.9 * np.sin(np.clip(along, 0, 1) * 2.35) - 3.5 * along
    width = 2.5 * look.brow_weight * (1 - 0.70 * along**1.6) * np.minimum(1, 0.40 + along * 2.4)
    return np.stack([13.5 + 40 * along, arch + offset * width], 1)


def brow_angles(along: Floats, offset: Floats, rng: np.random.Generator) -> Floats:
    """Directions [N] in radians of hairs on the left brow: upright at the inner end, then outward.

    along, offset [N]: as of `brow_roots`.
    """
    return np.radians(
        58
        - 48 * smoothstep(0, 0.38, along)
        - 28 * smoothstep(0.5, 1, along)
        - 26 * np.clip(offset, 0, 1)
        + rng.normal(size=len(along)) * 9
    )


BROW_HAIRS = 320
PIECES = 3
UPPER_LASHES, LOWER_LASHES = 420, 120


def brow_layer(studio: Studio, skin: Skin) -> Layer:
    """Both brows: hairs that fan from upright at the inner end to outward."""
    canvas = FaceFront(skin)
    return concatenated([_brow(studio, canvas, side) for side in (1.0, -1.0)])


def _brow(studio: Studio, canvas: FaceFront, side: float) -> Layer:
    look, rng = studio.look, studio.rng
    along = rng.random(BROW_HAIRS)
    along = np.where(along < 0.12, rng.random(BROW_HAIRS) * 0.25, along)
    offset = rng.uniform(-1, 1, BROW_HAIRS)
    offset = np.sign(offset) * np.abs(offset) ** 0.8
    roots = brow_roots(along, offset, look)
    angles = brow_angles(along, offset, rng)
    lengths = 5.0 * (1 - 0.25 * along) * rng.uniform(0.7, 1.15, BROW_HAIRS)  # mm
    tint = linear(look.hair) * rng.uniform(0.65, 1.35, (BROW_HAIRS, 1))
    pieces = []
    for piece in range(PIECES):
        step = lengths[:, None] / PIECES * np.stack([np.cos(angles), np.sin(angles)], 1)
        ends = roots + step
        pieces.append(_brow_piece(studio, canvas, (roots, ends), side, piece, tint))
        roots, angles = ends, angles - 0.16
    return concatenated(pieces)


def _brow_piece(
    studio: Studio,
    canvas: FaceFront,
    ends: tuple[Floats, Floats],
    side: float,
    piece: int,
    tint: Floats,
) -> Layer:
    start, end = ends
    mirrored = np.array([side, 1.0])
    middle, normals, triangles = canvas.place((start + end) / 2 * mirrored)
    tail, head = canvas.place(start * mirrored)[0], canvas.place(end * mirrored)[0]
    tangents = head - tail
    tangents = tangents - normals * dot(tangents, normals)
    length = np.linalg.norm(end - start, axis=1) * MM
    fade = 0.45 + 0.55 * smoothstep(13, 21, start[:, 0])  # the inner end is sparse
    return layer(
        means=middle + normals * (0.4 + 0.4 * piece) * MM,
        axes=axes(tangents, normals),
        scales=(length * 0.62, 0.16 * MM, (0.26 - 0.06 * piece) * MM),
        radiance=lit_skin(normals, studio.light.at_rest(middle, 4 * MM), tint, 0.3),
        opacities=(0.42 - 0.10 * piece) * fade * min(1.3, studio.look.brow_weight),
        triangles=triangles,
    )


def lash_layer(studio: Studio) -> Layer:
    """Lashes on the root half of the mesh's own strips, so that they follow the blink."""
    subject, look = studio.subject, studio.look
    strips = [name for name in subject.head.group_names if "eyelashes" in name]
    lashes = [_lash_strip(subject, name, look, studio.rng) for name in strips]
    lines = [_lid_margin(subject, name, look) for name in strips]
    return concatenated(lashes + lines)


def _lash_strip(subject: Subject, group: str, look: Look, rng: np.random.Generator) -> Layer:
    upper = group.endswith("2")
    centre, radius = subject.eye(group[0] + "-eye")
    triangles = subject.part(group)
    strip = subject.rest.vertices[np.unique(subject.faces[triangles])]
    edge = np.linalg.norm(strip - centre, axis=1)
    count = int((UPPER_LASHES if upper else LOWER_LASHES) * look.lash_weight)
    areas = face_areas(subject.rest.vertices, subject.faces[triangles])
    pick = rng.choice(len(triangles), count, p=areas / areas.sum())
    spots = Spots(triangles[pick], rng.dirichlet((1, 1, 1), count), np.zeros(count))
    points = at_spots(subject.rest.vertices, subject.faces, spots)
    outward = points - centre
    from_root = (np.linalg.norm(outward, axis=1) - edge.min()) / (edge.max() - edge.min())
    reach = 0.50 + 0.12 * rng.random(count) if upper else np.full(count, 0.38)
    kept = from_root < reach
    points, outward, owners = points[kept], outward[kept], spots.triangles[kept]
    tangents = normalised(outward)
    tangents[:, 1] += 0.55 if upper else -0.65
    tangents[:, 0] += 0.9 * outward[:, 0] / radius
    length = (1.7 if upper else 0.8) * rng.uniform(0.7, 1.2, len(points)) * MM
    return layer(
        means=points,
        axes=axes(tangents, np.cross(tangents, [1.0, 0, 0])),
        scales=(length * 0.45, 0.14 * MM, 0.10 * MM),
        radiance=np.tile(linear((34, 24, 20)), (len(points), 1)),
        opacities=0.43 if upper else 0.16,
        triangles=owners,
    )


def _lid_margin(subject: Subject, group: str, look: Look) -> Layer:
    """The upper lid's dark line, unbroken when the eye is shut; the lower lid's wet edge."""
    upper = group.endswith("2")
    colour, opacity = ((46, 32, 27), 0.5 * look.lash_weight) if upper else ((224, 180, 168), 0.25)
    centre, radius = subject.eye(group[0] + "-eye")
    strip = subject.part(group)
    ends = subject.rest.vertices[directed_edges(subject.faces[strip])]  # [E, 2, 3]
    beyond = np.linalg.norm(ends - centre, axis=-1) - radius
    along = ends[:, 1] - ends[:, 0]
    at_margin = (np.abs(beyond - 1.9 * MM) < 0.9 * MM).all(1) & (np.abs(along[:, 0]) > 0.8 * MM)
    tangents, middles = along[at_margin], ends[at_margin].mean(1)
    return layer(
        means=middles,
        axes=axes(tangents, normalised(middles - centre)),
        scales=(np.linalg.norm(tangents, axis=1) * 0.45, 0.12 * MM, 0.24 * MM),
        radiance=np.tile(linear(colour), (len(middles), 1)),
        opacities=opacity,
        triangles=np.tile(strip, 3)[at_margin],
    )
