"""The subject of one timestep, lit."""

from dataclasses import replace

import numpy as np

from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import Floats
from avatar.people.surface import rounded_points
from research.captures.fine_hair import place
from research.captures.light import USUAL, cast, ray_shadows
from research.captures.picture import Surface
from research.captures.scene import Scene


def pose_scene(scene: Scene, vertices: Floats, head_pose: Floats) -> Surface:
    """The lit surface of one timestep.

    vertices [V, 3]: the head's mesh in world space; head_pose [4, 4]: how the hair moves with it.
    """
    body, pieces, hair, source = scene.body, scene.pieces, scene.hair, scene.matter.light
    whole = np.concatenate([vertices + body.sink, body.still])
    usual = source is USUAL
    solid = (whole, scene.solid)
    shadows = cast(*solid) if usual else ray_shadows(*solid, source.directions)
    light, lamps = scene.matter.lit(shadows, whole, point_normals(whole, body.faces))
    corners, roots = body.faces[pieces.triangles], body.faces[scene.fine_hair.triangles]

    def joined(by_vertex: Floats, on_hair: Floats) -> Floats:
        """Values at the points of the body's pieces, of the hair, of brows and lashes."""
        on_pieces = np.einsum("pc,pcx->px", pieces.weights, by_vertex[corners])
        return np.concatenate([on_pieces, on_hair, by_vertex[roots].mean(1)])

    points, directions = _placed(scene, vertices, head_pose)
    return Surface(
        vertices=points,
        directions=directions,
        light=joined(light, hair.light),
        lamps=joined(lamps, hair.lamps),
        source=source,
        triangles=scene.triangles,
    )


def reposed(scene: Scene, surface: Surface, vertices: Floats, head_pose: Floats) -> Surface:
    """The surface at another time, lit as it was: shade is most of the work of posing."""
    points, directions = _placed(scene, vertices, head_pose)
    return replace(surface, vertices=points, directions=directions)


def moved(surface: Surface, motion: Floats) -> Surface:
    """The surface moved as a whole by a rigid motion [4, 4], lit as it was."""
    turn, shift = motion[:3, :3].astype(float), motion[:3, 3].astype(float)
    vertices, directions = surface.vertices @ turn.T + shift, surface.directions @ turn.T
    return replace(surface, vertices=vertices, directions=directions)


def _placed(scene: Scene, vertices: Floats, head_pose: Floats) -> tuple[Floats, Floats]:
    """Places and directions [P, 3] of all that is drawn."""
    body, pieces, hair, fine = scene.body, scene.pieces, scene.hair, scene.fine_hair
    whole = np.concatenate([vertices + body.sink, body.still])
    corners = body.faces[pieces.triangles]
    normals = point_normals(whole, body.faces)
    points, facing = rounded_points(whole, normals, corners, pieces.weights)
    turn, shift = head_pose[:3, :3].astype(float), head_pose[:3, 3].astype(float)
    hairs = hair.vertices @ turn.T + shift
    return (
        np.concatenate([points, hairs, place(fine, whole, body.faces)]),
        np.concatenate([facing, hair.fibres @ turn.T, fine.tangents]),
    )
