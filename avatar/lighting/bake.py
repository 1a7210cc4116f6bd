"""How much of the light from each direction reaches each Gaussian: the head's and the hair's shade.

Rays towards every direction, and more between them where a shadow's edge passes, say what of the
mesh stands in the way; Gaussians off the mesh are fog.
At rest and once more with the jaw open and the eyes shut.

Visibility between DIRECTIONS: more rays wherever a shadow's edge passes, and what is kept of it.

A table is read by interpolation, so it holds what interpolates best: neither what is seen right at
a direction nor the mean around it, but most of the way from the mean to the least squares.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial import KDTree

from avatar.geometry.closest import FaceTree, face_tree
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
from avatar.lighting.direction_bins import DirectionBins, into_bins, shares_at, triangles
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
from avatar.lighting.occlusion import DIRECTIONS, Fog, hair_fog
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from splat import Gaussians

LEVELS = 2  # times that every triangle of directions is cut into four
SHARPENED = 0.7  # of the way from means to least squares, whose values do not stay within [0, 1]


class Finer(NamedTuple):
    """Directions halfway between others."""

    ends: Ints  # [d, 2] of all directions before
    directions: Floats  # [d, 3] unit


class Net(NamedTuple):
    """DIRECTIONS, then level by level what lies between them: P directions in all."""

    levels: tuple[Finer, ...]
    to_table: Floats  # [P, D] float32: what is seen towards each → table


def interpolate_visibility(cast: Callable[[Floats, Bools], Bools], count: int) -> Floats:
    """The visibility [N, D] float32 of `count` points.

    cast: (directions [d, 3], asked [N, d]) → which rays meet nothing [N, d].
    """
    net = _net()
    seen = cast(DIRECTIONS, np.ones((count, len(DIRECTIONS)), bool))
    for finer in net.levels:
        one, other = seen[:, finer.ends[:, 0]], seen[:, finer.ends[:, 1]]
        edge = one != other
        rays = cast(finer.directions, edge)
        seen = np.concatenate([seen, np.where(edge, rays, one)], axis=1)
    return np.clip(seen.astype(np.float32) @ net.to_table, 0, 1)


@cache
def _net() -> Net:
    corners, places, levels = triangles().corners, DIRECTIONS, []
    for _ in range(LEVELS):
        corners, finer = _cut(corners, places)
        places = np.concatenate([places, finer.directions])
        levels.append(finer)
    return Net(tuple(levels), _to_table(corners, places))


def _cut(corners: Ints, places: Floats) -> tuple[Ints, Finer]:
    """Triangles [T, 3] between places [P, 3] each cut into four, and the new places."""
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    ends, number = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
    ab, bc, ca = len(places) + number.reshape(3, -1)
    a, b, c = corners.T
    pieces = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    smaller = np.concatenate([np.stack(piece, axis=1) for piece in pieces])
    return smaller, Finer(ends, normalised(places[ends].sum(1)))


def _to_table(corners: Ints, places: Floats) -> Floats:
    a, b, c = places[corners].swapaxes(0, 1)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    weight = np.bincount(corners.ravel(), np.repeat(area, 3))  # [P] steradians
    hats = np.zeros((len(places), len(DIRECTIONS)))
    nearest, shares = shares_at(places)
    np.put_along_axis(hats, nearest, shares, axis=1)
    weighed = hats * weight[:, None]
    mean, least_squares = weighed / weighed.sum(0), weighed @ np.linalg.inv(hats.T @ weighed)
    return (mean + SHARPENED * (least_squares - mean)).astype(np.float32)


OPEN_JAW = 0.7  # weight of jawOpen in the second table
AT_LIDS, LID = 0.1 * MM, 1 * MM  # what shutting eyes move further is shaded by, and is, a lid
LIFT = 0.3 * MM  # of the skin off itself
LOOSE_SKIP = 15 * MM  # from hair and clothes, within which the mesh does not shade them
NEIGHBOURS, FACING = 7, 4 * MM  # that shade a Gaussian together; how normals count among them
FOLDED = 0.7  # of its neighbours' light: a Gaussian that has less takes theirs
BEHIND = -0.25  # cosine to a normal below which light never reaches a surface, however it moves
HAIR_SKIP, CLOTH_SKIP = 6 * MM, 16 * MM  # that hair and clothes do not shade themselves
FOG = 0.3  # of what hair and clothes cover, as they let light through and scatter it
PARTS, TOGETHER = 8, 2048  # in which progress is told; Gaussians at a time, for memory


def bake(avatar: Avatar, head: Head, done: Callable[[], None] = lambda: None) -> Surfaces:
    """The Gaussians of an avatar ready to be lit, with an albedo of 1.

    head: its mesh, with units that fit it. Gaussians that were painted or trained stand off their
    mesh: what of them lies in folds is lit as the skin around it, and lids as they are when shut;
    those that are laid onto a mesh are lit as it is. done: called after each of 2 * PARTS parts.
    """
    rig = avatar_rig(avatar, torch.device("cpu"))
    resting = rig(avatar.vertices)
    loose = loose_gaussians(avatar, resting)
    matter = material_of(avatar, head, loose)
    blink = head.unit("eyeBlinkLeft") + head.unit("eyeBlinkRight")
    opened_vertices = avatar.vertices + OPEN_JAW * head.unit("jawOpen") + blink
    blinks = blink.norm(dim=-1)[avatar.faces].mean(1)[avatar.binding].numpy()
    follows = np.where(((blinks > AT_LIDS) & ~loose) | (matter == EYES), LIDS, JAW).astype(np.uint8)
    solid = _solid(avatar, head)
    creased = (blinks > LID) & ~loose & (matter != EYES) & (not avatar.unlit)
    hidden = creased | np.isin(matter, (MOUTH, TEETH))  # at rest
    tables, accesses, normals = [], [], np.zeros((len(loose), 3), np.float32)
    even = into_bins(*_even_sky())
    for vertices in (avatar.vertices, opened_vertices):
        gaussians = rig(vertices)
        places = bake_positions(avatar, gaussians, vertices, loose)
        visible = _visibility(places, gaussians, vertices.double().numpy(), solid, matter, done)
        if not avatar.unlit:
            visible = _unfolded(visible, places)
        if tables:  # a lid that folds into itself when shut keeps its light
            lids = (follows == LIDS) & (matter != EYES)
            visible[lids] = np.maximum(visible[lids], unpacked(tables[0][lids]))
        tables.append(packed(visible))
        accesses.append(_access(visible, places.normals, even))
        own = in_own_frames(gaussians, places.normals)
        chosen = hidden if len(tables) == 2 else slice(None)
        normals[chosen] = own[chosen]
    access = np.stack(accesses, axis=1).astype(np.float32)
    white = np.ones((len(loose), 3), np.float32)
    rest, opened = tables
    rest[creased], access[creased, 0] = opened[creased], access[creased, 1]
    kinds = normals, tangents_of(avatar), matter, white
    return Surfaces(*kinds, rest, opened, follows, access)


def _even_sky() -> tuple[Floats, Floats]:
    sky = lamps([Lobe(0, 0, 1, 0)])
    return sky.directions, sky.energy


def _solid(avatar: Avatar, head: Head) -> Ints:
    """Triangles [m, 3] that cast shadows: all but lashes."""
    lashes = [n for n, name in enumerate(head.group_names) if "lash" in name]
    return avatar.faces[~torch.isin(head.face_groups, torch.tensor(lashes))].numpy()


def _visibility(
    places: BakePositions,
    gaussians: Gaussians,
    vertices: Floats,
    solid: Ints,
    matter: Ints,
    done: Callable[[], None],
) -> Floats:
    """Share of light [N, D] float32 that reaches Gaussians from DIRECTIONS."""
    middle = (vertices.max(0) + vertices.min(0)) / 2
    lift = np.where(places.loose, 0, LIFT)[:, None]
    points = places.points + lift * places.normals - middle
    tree = face_tree(vertices - middle, solid)
    skip = np.where(matter == STRAND, HAIR_SKIP, CLOTH_SKIP)
    fog = _fog(gaussians, places.loose, middle)
    visible = np.empty((len(points), len(DIRECTIONS)), np.float32)
    for part in np.array_split(np.arange(len(points)), PARTS):
        for some in np.array_split(part, len(part) // TOGETHER + 1):
            visible[some] = _past_mesh(tree, points[some], places, some)
            if fog is not None:
                for chosen, distance in _by_skip(places.loose[some], skip[some]):
                    visible[some[chosen]] *= fog.transmitted(points[some[chosen]], distance)
        done()
    return visible


def _past_mesh(tree: FaceTree, points: Floats, places: BakePositions, rows: Ints) -> Floats:
    """Share of light [n, D] float32 that reaches points [n, 3], some rows of places, past it."""
    loose, nearest = places.loose[rows], np.where(places.loose[rows], LOOSE_SKIP, 0.0)

    def cast(directions: Floats, asked: Bools) -> Bools:
        before = (places.normals[rows] @ directions.T > BEHIND) | loose[:, None]
        return unhidden(tree, points, directions, asked & before, nearest)

    return interpolate_visibility(cast, len(points))


def _unfolded(visible: Floats, places: BakePositions) -> Floats:
    """Visibility [N, D] in which what lies in a fold finer than a Gaussian is lit as the skin
    around it: a disc shows above the fold that its middle lies in."""
    place = np.column_stack([places.points, places.normals * FACING])
    near = np.asarray(KDTree(place).query(place, NEIGHBOURS)[1])
    light = visible.mean(1)
    folded = np.flatnonzero(light < FOLDED * light[near].mean(1))
    around = visible[near[folded]].mean(1)
    visible[folded] = np.maximum(visible[folded], around)
    return visible


def _by_skip(loose: Bools, skip: Floats) -> list[tuple[Ints, float]]:
    """Gaussians [n] by the distance that they do not shade themselves at."""
    groups = [(np.flatnonzero(~loose), 0.0)]
    groups += [(np.flatnonzero(loose & (skip == d)), d) for d in (HAIR_SKIP, CLOTH_SKIP)]
    return [(chosen, distance) for chosen, distance in groups if len(chosen)]


def _fog(gaussians: Gaussians, loose: Bools, middle: Floats) -> Fog | None:
    """The shade of Gaussians off the mesh, around `middle` [3]."""
    if not loose.any():
        return None
    sizes = np.sort(gaussians.scales.double().numpy()[loose], axis=1)
    opacity = gaussians.opacities.double().numpy()[loose]
    areas = 2 * np.pi * sizes[:, 1] * sizes[:, 2] * opacity
    return hair_fog(gaussians.means.double().numpy()[loose] - middle, areas, FOG)


def _access(visible: Floats, normals: Floats, even: DirectionBins) -> Floats:
    """Share [N] of an even sky's light that reaches matt surfaces."""
    facing = np.maximum(normals.astype(np.float32) @ even.towards.T, 0)
    return np.minimum((facing * visible) @ even.energy[:, 0] / np.float32(np.pi), 1.0)
