"""Visibility of each Gaussian towards DIRECTIONS, at rest and with the jaw open and the eyes shut.

Rays are cast towards every direction, with more between them where a shadow's edge passes; the mesh
blocks them, and Gaussians off the mesh attenuate them as fog. As tables are read by interpolation,
they hold values between the mean around each direction and the least-squares fit.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from scipy.spatial import KDTree

from avatar.geometry.closest import FaceTree, face_tree
from avatar.geometry.edges import directed_edges
from avatar.geometry.rays import unhidden
from avatar.geometry.vectors import MM, Bools, Floats, Ints, normalised
from avatar.heads import Head
from avatar.lighting.bake_positions import (
    BakePositions,
    bake_positions,
    in_own_frames,
    loose_gaussians,
    material_of,
    tangents_of,
)
from avatar.lighting.environment import Lobe, lamps
from avatar.lighting.materials import (
    EYES,
    JAW,
    LIDS,
    MOUTH,
    STRAND,
    TEETH,
    Surfaces,
    packed,
    unpacked,
)
from avatar.lighting.occlusion import (
    DIRECTIONS,
    DirectionBins,
    Fog,
    hair_fog,
    into_bins,
    shares_at,
    triangles,
)
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from splat import Gaussians

LEVELS = 2  # of subdividing every triangle of directions into four
SHARPENED = 0.7  # of the way from means to least squares, whose values do not stay within [0, 1]


def interpolate_visibility(cast: Callable[[Floats, Bools], Bools], count: int) -> Floats:
    """The visibility [N, D] float32 of `count` points.

    cast: (directions [d, 3], asked [N, d]) → which rays meet nothing [N, d].
    """
    levels, to_table = _refined_directions()
    seen = cast(DIRECTIONS, np.ones((count, len(DIRECTIONS)), bool))
    for ends, between in levels:
        one, other = seen[:, ends[:, 0]], seen[:, ends[:, 1]]
        edge = one != other
        seen = np.concatenate([seen, np.where(edge, cast(between, edge), one)], axis=1)
    return np.clip(seen.astype(np.float32) @ to_table, 0, 1)


@cache
def _refined_directions() -> tuple[list[tuple[Ints, Floats]], Floats]:
    """Level by level unit vectors [d, 3] halfway between two [d, 2] of all directions before, of
    which DIRECTIONS are the first; and [P, D] float32: visibility towards all of them → table."""
    corners, directions, levels = triangles().corners, DIRECTIONS, []
    for _ in range(LEVELS):
        corners, ends, between = _cut(corners, directions)
        directions = np.concatenate([directions, between])
        levels.append((ends, between))
    return levels, _to_table(corners, directions)


def _cut(corners: Ints, directions: Floats) -> tuple[Ints, Ints, Floats]:
    """Triangles [T, 3] between directions [P, 3] each cut into four; the ends of their edges
    [d, 2], and the new directions [d, 3] halfway."""
    edges = np.sort(directed_edges(corners), axis=1)
    ends, number = np.unique(edges, axis=0, return_inverse=True)
    ab, bc, ca = len(directions) + number.reshape(3, -1)
    a, b, c = corners.T
    pieces = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    smaller = np.concatenate([np.stack(piece, axis=1) for piece in pieces])
    return smaller, ends, normalised(directions[ends].sum(1))


def _to_table(corners: Ints, directions: Floats) -> Floats:
    a, b, c = directions[corners].swapaxes(0, 1)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    weight = np.bincount(corners.ravel(), np.repeat(area, 3))  # [P] steradians
    hats = np.zeros((len(directions), len(DIRECTIONS)))
    nearest, shares = shares_at(directions)
    np.put_along_axis(hats, nearest, shares, axis=1)
    weighed = hats * weight[:, None]
    mean, least_squares = weighed / weighed.sum(0), weighed @ np.linalg.inv(hats.T @ weighed)
    return (mean + SHARPENED * (least_squares - mean)).astype(np.float32)


OPEN_JAW = 0.7  # weight of jawOpen in the second table
AT_LIDS, LID = 0.1 * MM, 1 * MM  # that blinking moves a triangle: shaded by lids; a lid itself
LIFT = 0.3 * MM  # of ray origins off the skin
LOOSE_SKIP = 15 * MM  # from hair and clothes, within which the mesh does not shade them
NEIGHBOURS, FACING = 7, 4 * MM  # that shade a Gaussian together; how normals count among them
FOLDED = 0.7  # of its neighbours' light, below which a Gaussian takes theirs
BEHIND = -0.25  # cosine to a normal below which light never reaches a surface, however it moves
HAIR_SKIP, CLOTH_SKIP = 6 * MM, 16 * MM  # that hair and clothes do not shade themselves
FOG = 0.3  # opacity of hair and clothes, as they transmit and scatter light
PARTS, TOGETHER = 8, 2048  # progress steps; Gaussians at a time, for memory


def bake(avatar: Avatar, head: Head, done: Callable[[], None] = lambda: None) -> Surfaces:
    """The Gaussians of an avatar ready to be lit, with an albedo of 1.

    head: its mesh, with units that fit it. Gaussians that were painted or trained lie off their
    mesh: those in folds are lit as the skin around them, and lids as when shut; those of an unlit
    avatar are lit as their mesh. done: called after each of 2 * PARTS parts.
    """
    rig = avatar_rig(avatar, torch.device("cpu"))
    resting = rig(avatar.vertices)
    loose = loose_gaussians(avatar, resting)
    material = material_of(avatar, head, loose)
    blink = head.unit("eyeBlinkLeft") + head.unit("eyeBlinkRight")
    opened_vertices = avatar.vertices + OPEN_JAW * head.unit("jawOpen") + blink
    blinks = blink.norm(dim=-1)[avatar.faces].mean(1)[avatar.binding].numpy()
    follows = np.where(((blinks > AT_LIDS) & ~loose) | (material == EYES), LIDS, JAW).astype(
        np.uint8
    )
    solid = _solid(avatar, head)
    creased = (blinks > LID) & ~loose & (material != EYES) & (not avatar.unlit)
    hidden = creased | np.isin(material, (MOUTH, TEETH))  # at rest
    tables, accesses, normals = [], [], np.zeros((len(loose), 3), np.float32)
    sky = lamps([Lobe(0, 0, 1, 0)])
    uniform = into_bins(sky.directions, sky.energy)
    for vertices in (avatar.vertices, opened_vertices):
        gaussians = rig(vertices)
        positions = bake_positions(avatar, gaussians, vertices, loose)
        mesh = vertices.double().numpy()
        visible = _visibility(positions, gaussians, mesh, solid, material, done)
        if not avatar.unlit:
            visible = _fill_folds(visible, positions)
        if tables:  # a lid that folds into itself when shut keeps its light
            lids = (follows == LIDS) & (material != EYES)
            visible[lids] = np.maximum(visible[lids], unpacked(tables[0][lids]))
        tables.append(packed(visible))
        accesses.append(_access(visible, positions.normals, uniform))
        own = in_own_frames(gaussians, positions.normals)
        chosen = hidden if len(tables) == 2 else slice(None)
        normals[chosen] = own[chosen]
    access = np.stack(accesses, axis=1).astype(np.float32)
    white = np.ones((len(loose), 3), np.float32)
    rest, opened = tables
    rest[creased], access[creased, 0] = opened[creased], access[creased, 1]
    kinds = normals, tangents_of(avatar), material, white
    return Surfaces(*kinds, rest, opened, follows, access)


def _solid(avatar: Avatar, head: Head) -> Ints:
    """Triangles [m, 3] that cast shadows: all but lashes."""
    lashes = [n for n, name in enumerate(head.group_names) if "lash" in name]
    return avatar.faces[~torch.isin(head.face_groups, torch.tensor(lashes))].numpy()


def _visibility(
    positions: BakePositions,
    gaussians: Gaussians,
    vertices: Floats,
    solid: Ints,
    material: Ints,
    done: Callable[[], None],
) -> Floats:
    """Share of light [N, D] float32 that reaches Gaussians from DIRECTIONS."""
    middle = (vertices.max(0) + vertices.min(0)) / 2
    lift = np.where(positions.loose, 0, LIFT)[:, None]
    points = positions.points + lift * positions.normals - middle
    tree = face_tree(vertices - middle, solid)
    skip = np.where(material == STRAND, HAIR_SKIP, CLOTH_SKIP) * positions.loose
    fog = _fog(gaussians, positions.loose, middle)
    visible = np.empty((len(points), len(DIRECTIONS)), np.float32)
    for part in np.array_split(np.arange(len(points)), PARTS):
        for some in np.array_split(part, len(part) // TOGETHER + 1):
            visible[some] = _mesh_visibility(tree, points[some], positions, some)
            if fog is not None:
                for distance in (0.0, HAIR_SKIP, CLOTH_SKIP):
                    chosen = some[skip[some] == distance]
                    visible[chosen] *= fog.transmitted(points[chosen], distance)
        done()
    return visible


def _mesh_visibility(
    tree: FaceTree, points: Floats, positions: BakePositions, rows: Ints
) -> Floats:
    """Share of light [n, D] float32 that reaches points [n, 3], some rows of positions, past it."""
    loose, nearest = positions.loose[rows], np.where(positions.loose[rows], LOOSE_SKIP, 0.0)

    def cast(directions: Floats, asked: Bools) -> Bools:
        before = (positions.normals[rows] @ directions.T > BEHIND) | loose[:, None]
        return unhidden(tree, points, directions, asked & before, nearest)

    return interpolate_visibility(cast, len(points))


def _fill_folds(visible: Floats, positions: BakePositions) -> Floats:
    """Visibility [N, D] in which folds finer than a Gaussian are lit as the skin
    around them: a disc is visible above the fold that its centre lies in."""
    features = np.column_stack([positions.points, positions.normals * FACING])
    near = np.asarray(KDTree(features).query(features, NEIGHBOURS)[1])
    light = visible.mean(1)
    folded = np.flatnonzero(light < FOLDED * light[near].mean(1))
    around = visible[near[folded]].mean(1)
    visible[folded] = np.maximum(visible[folded], around)
    return visible


def _fog(gaussians: Gaussians, loose: Bools, middle: Floats) -> Fog | None:
    """The fog of Gaussians off the mesh, around `middle` [3]."""
    if not loose.any():
        return None
    sizes = np.sort(gaussians.scales.double().numpy()[loose], axis=1)
    opacity = gaussians.opacities.double().numpy()[loose]
    areas = 2 * np.pi * sizes[:, 1] * sizes[:, 2] * opacity
    return hair_fog(gaussians.means.double().numpy()[loose] - middle, areas, FOG)


def _access(visible: Floats, normals: Floats, uniform: DirectionBins) -> Floats:
    """Share [N] of a uniform sky's light that reaches diffuse surfaces."""
    facing = np.maximum(normals.astype(np.float32) @ uniform.towards.T, 0)
    return np.minimum((facing * visible) @ uniform.energy[:, 0] / np.float32(np.pi), 1.0)
