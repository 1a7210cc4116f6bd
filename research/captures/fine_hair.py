"""Brows and lashes: single hairs as thin ribbons, each tied to one triangle of the face."""

from dataclasses import dataclass, replace

import numpy as np

from avatar.geometry.records import concatenated, stacked
from avatar.geometry.triangle_mesh import face_normals
from avatar.geometry.vectors import MM, Bools, Floats, Ints, normalised
from avatar.people.brows import FaceFront, brow_angles, brow_roots
from avatar.people.shading import linear
from avatar.people.skin import described
from avatar.people.subject import Look, Subject
from avatar.people.surface import Mesh, even_spots
from research.captures.hair import Ribbons, ribbons, streaked
from research.captures.paint import lid_rim
from research.captures.texture import Texture

BROW_HAIRS, BROW_PIECES = 800, 4
UPPER_LASHES, LOWER_LASHES = 0.55, 0.25  # for each point of the rim
LASH_PIECES = 4
LASH_COLOUR = linear((30, 22, 19))
SHINE = (0.02, 40.0)


@dataclass(frozen=True)
class FineHair:
    """Hairs by their place over triangles of the head's mesh."""

    triangles: Ints  # [P] of the head
    weights: Floats  # [P, 3] barycentric, also beyond the triangle
    lifts: Floats  # [P] metres over it
    tangents: Floats  # [P, 3] at rest
    faces: Ints  # [Q, 3]
    lash: Bools  # [Q] lash, not brow
    texture: Texture


def fine_hair(subject: Subject, look: Look, inner: Bools, rng: np.random.Generator) -> FineHair:
    """Both brows and all lashes."""
    parts = [_brow(subject, look, inner, side, rng) for side in (1.0, -1.0)]
    parts += [_lashes(subject, look, side, rng) for side in "lr"]
    hairs = [_tied(subject.rest, *part, lash=k >= 2) for k, part in enumerate(parts)]
    faces = stacked([hair.faces for hair in hairs], [len(hair.triangles) for hair in hairs])
    return replace(concatenated(hairs), faces=faces)


def place(hair: FineHair, vertices: Floats, faces: Ints) -> Floats:
    """Points [P, 3] of the hairs on a moved mesh: vertices [B, 3], faces [M, 3]."""
    roots = faces[hair.triangles]  # [P, 3]
    flat = np.einsum("pc,pcx->px", hair.weights, vertices[roots])
    return flat + face_normals(vertices, roots) * hair.lifts[:, None]


def _tied(mesh: Mesh, band: Ribbons, roots: Ints, texture: Texture, lash: bool) -> FineHair:
    """Ribbons with the triangle at each one's root [S] as hairs of a mesh."""
    triangles = np.repeat(roots, 2 * band.vertices.shape[1])
    corners = mesh.vertices[mesh.faces[triangles]]  # [P, 3, 3]
    normals = face_normals(mesh.vertices, mesh.faces[triangles])
    basis = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], normals], -1)
    points = band.vertices.reshape(-1, 3)
    solved = np.linalg.solve(basis, (points - corners[:, 0])[..., None])[..., 0]
    return FineHair(
        triangles=triangles,
        weights=np.column_stack([1 - solved[:, :2].sum(1), solved[:, :2]]),
        lifts=solved[:, 2],
        tangents=np.repeat(band.tangents.reshape(-1, 3), 2, 0),
        faces=band.faces,
        lash=np.full(len(band.faces), lash),
        texture=texture,
    )


def _brow(
    subject: Subject, look: Look, inner: Bools, side: float, rng: np.random.Generator
) -> tuple[Ribbons, Ints, Texture]:
    """Hairs that fan from upright at the inner end to outward."""
    spots = even_spots(subject.rest, _around_brows(subject), 1.3 * MM, rng)
    canvas = FaceFront(described(subject, spots, inner))
    along = rng.random(BROW_HAIRS)
    offset = rng.uniform(-1, 1, BROW_HAIRS)
    angles = brow_angles(along, offset, rng)
    lengths = 6.0 * (1 - 0.25 * along) * rng.uniform(0.7, 1.15, BROW_HAIRS)  # mm
    xy = brow_roots(along, offset, look)
    points, normals, roots = [], [], np.empty(0, np.int64)
    for piece in range(BROW_PIECES + 1):
        surface, facing, triangles = canvas.place(xy * [side, 1.0])
        roots = triangles if piece == 0 else roots
        points.append(surface + facing * (0.25 + 0.22 * piece) * MM)
        normals.append(facing)
        step = lengths[:, None] / BROW_PIECES * np.stack([np.cos(angles), np.sin(angles)], 1)
        xy, angles = xy + step, angles - 0.13
    width = 0.17 * MM * look.brow_weight * rng.uniform(0.7, 1.2, (BROW_HAIRS, 1))
    taper = np.array([0.6, 1.0, 0.9, 0.6, 0.1])
    kept = np.ones((BROW_HAIRS, BROW_PIECES), bool)
    band = ribbons(np.stack(points, 1), np.stack(normals, 1), width * taper, kept)
    tint = linear(look.hair) * 0.8 * rng.uniform(0.6, 1.3, (BROW_HAIRS, 1))
    return band, roots, streaked(band, tint, 0.0, SHINE)


def _around_brows(subject: Subject) -> Ints:
    mm = subject.painted.vertices[subject.faces[subject.skin]].mean(1) / MM
    near = (mm[:, 2] > 35) & (mm[:, 1] > 20) & (mm[:, 1] < 55)
    return subject.skin[near]


def _lashes(
    subject: Subject, look: Look, side: str, rng: np.random.Generator
) -> tuple[Ribbons, Ints, Texture]:
    """Lashes of one eye, from the lids' rim outwards, bent up above and down below."""
    _, radius = subject.eye(f"{side}-eye")
    rim = lid_rim(subject, side)
    middle = np.median(rim.points, axis=0)
    from_middle = np.abs(rim.points[:, 0] - middle[0])
    share = (0.5 + 0.5 * look.lash_weight) * (from_middle < 0.93 * from_middle.max())
    wanted = np.where(rim.upper, UPPER_LASHES, LOWER_LASHES) * share
    rows = np.flatnonzero(rng.random(len(wanted)) < wanted)
    roots = rim.points[rows]
    upper = rim.upper[rows, None]
    heading = np.where(upper, [0.0, 0.2, 1.0], [0.0, -0.7, 0.8]) + 0.12 * rng.normal(
        size=roots.shape
    )
    heading = heading + (roots - middle) / radius * [0.8, 0.2, 0.0]
    length = np.where(upper, 7.5, 3.8) * MM * rng.uniform(0.6, 1.1, (len(rows), 1))
    place, points = roots, [roots]
    for _ in range(LASH_PIECES):
        heading = normalised(normalised(heading) + np.where(upper, [0, 0.32, 0], [0, -0.12, 0]))
        place = place + heading * length / LASH_PIECES
        points.append(place)
    facing = np.tile([[[0.0, 0.6, 0.8]]], (len(rows), LASH_PIECES + 1, 1))
    widths = np.where(upper, 0.22, 0.13) * MM * np.array([[1.0, 0.9, 0.7, 0.45, 0.05]])
    band = ribbons(np.stack(points, 1), facing, widths, np.ones((len(rows), LASH_PIECES), bool))
    colour = np.tile(LASH_COLOUR, (len(rows), 1))
    return band, rim.triangles[rows], streaked(band, colour, 0.0, SHINE)
