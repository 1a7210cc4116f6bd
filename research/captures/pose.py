"""The subject of one timestep, lit."""

from dataclasses import dataclass, replace
from threading import Lock

import numpy as np

from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import MM, Floats
from research.captures.light import DIRECTIONS, LOBES, RADIANCE, cast, diffuse
from research.captures.scene import Scene

OFF_SKIN = 0.5 * MM  # where light is gathered
SELF_SHADE = 4 * MM  # distance within which hair takes no light away
AMBIENT = 0.25  # light that scatters between hairs and never dies
_ALONE = Lock()  # fog is marched by all threads together, and not every way of that bears two calls


@dataclass(frozen=True)
class Surface:
    """Everything that a camera sees of one timestep, in world space."""

    vertices: Floats  # [P, 3]
    directions: Floats  # [P, 3] unit: the normal, or that of the hair
    light: Floats  # [P, 3] diffuse light per unit of albedo
    lamps: Floats  # [P, L] what each lamp's highlight is multiplied by
    scene: Scene


def pose_scene(scene: Scene, offsets: Floats, head_pose: Floats) -> Surface:
    """The lit surface of one timestep.

    offsets [V, 3]: of the head's mesh from rest, before head_pose [4, 4], the motion of the head.
    """
    vertices, normals, fibres = _placed(scene, offsets, head_pose)
    points, triangles = scene.points, scene.triangles
    shadows = cast(vertices, triangles.faces[triangles.solid])
    turn, shift = _parts(head_pose)
    in_hair, towards = (vertices - shift) @ turn, DIRECTIONS @ turn
    visible = shadows.visible(vertices + OFF_SKIN * normals, points.bias)
    with _ALONE:
        visible *= scene.fog.transmitted(in_hair, SELF_SHADE, towards)
    hairy = np.any(fibres, axis=1)
    sent = diffuse(normals, visible, points.softness)
    sent[hairy], outward = _on_hair(normals[hairy], fibres[hairy], visible[hairy])
    lamps = visible @ LOBES
    lamps[hairy] = (visible[hairy] * np.sqrt(outward)) @ LOBES
    return Surface(
        vertices=vertices,
        directions=np.where(hairy[:, None], fibres, normals),
        light=sent * points.tint,
        lamps=lamps * points.gloss[:, None],
        scene=scene,
    )


def _on_hair(normals: Floats, fibres: Floats, visible: Floats) -> tuple[Floats, Floats]:
    """Diffuse light [N, 3] after Kajiya and Kay (1989), and how far each direction is outside."""
    along = np.clip(fibres @ DIRECTIONS.T, -1, 1)
    outward = np.clip((normals @ DIRECTIONS.T + 0.25) / 1.25, 0, None)
    sent = (np.sqrt(1 - along**2) * outward * visible) @ RADIANCE
    return sent + AMBIENT * RADIANCE.sum(0) / 4, outward


def reposed(surface: Surface, offsets: Floats, head_pose: Floats) -> Surface:
    """The surface at another time, lit as it was: shade is most of the work of posing."""
    vertices, normals, fibres = _placed(surface.scene, offsets, head_pose)
    directions = np.where(np.any(fibres, axis=1)[:, None], fibres, normals)
    return replace(surface, vertices=vertices, directions=directions)


def moved(surface: Surface, motion: Floats) -> Surface:
    """The surface moved as a whole by a rigid motion [4, 4], lit as it was."""
    turn, shift = _parts(motion)
    vertices, directions = surface.vertices @ turn.T + shift, surface.directions @ turn.T
    return replace(surface, vertices=vertices, directions=directions)


def _placed(scene: Scene, offsets: Floats, head_pose: Floats) -> tuple[Floats, Floats, Floats]:
    """Places, normals and fibres [P, 3]."""
    points = scene.points
    still = points.rest + np.einsum("pc,pcx->px", points.weights, offsets[points.reference])
    turn, shift = _parts(head_pose)
    follows = points.follows[:, None]
    vertices = still + follows * (still @ turn.T + shift - still)
    normals = point_normals(vertices, scene.triangles.faces) * points.outward
    return vertices, normals, points.fibres @ turn.T


def _parts(motion: Floats) -> tuple[Floats, Floats]:
    """Rotation [3, 3] and shift [3] of a rigid motion [4, 4]."""
    return motion[:3, :3].astype(float), motion[:3, 3].astype(float)
