"""The sitter of one moment, lit."""

import numpy as np
from numpy.typing import NDArray

from avatar.mesh.vectors import normalised
from avatar.synthetic.capture.fine_hair import place
from avatar.synthetic.capture.light import cast
from avatar.synthetic.capture.picture import Surface
from avatar.synthetic.capture.scene import Scene
from avatar.synthetic.capture.tessellation import rounded_points

Floats = NDArray[np.floating]

ROUNDING = 0.65  # share of Phong tessellation


def pose_scene(scene: Scene, vertices: Floats, head_pose: Floats) -> Surface:
    """The lit surface of one moment.

    vertices [V, 3]: the head's mesh in world space; head_pose [4, 4]: how the hair moves with it.
    """
    body, pieces, hair, fine = scene.body, scene.pieces, scene.hair, scene.fine_hair
    whole = np.concatenate([vertices + body.sink, body.still])
    normals = _normals(scene, whole)
    light, lamps = scene.matter.lit(cast(whole, scene.solid), whole, normals)
    corners = body.faces[pieces.triangles]
    points, facing = rounded_points(whole, normals, corners, pieces.weights, ROUNDING)
    turn, shift = head_pose[:3, :3].astype(float), head_pose[:3, 3].astype(float)
    roots = body.faces[fine.triangles]

    def joined(by_vertex: Floats, on_hair: Floats) -> Floats:
        """Values at the points of the body's pieces, of the hair, of brows and lashes."""
        on_pieces = np.einsum("pc,pcx->px", pieces.weights, by_vertex[corners])
        return np.concatenate([on_pieces, on_hair, by_vertex[roots].mean(1)])

    hairs = hair.vertices @ turn.T + shift
    return Surface(
        vertices=np.concatenate([points, hairs, place(fine, whole, body.faces)]),
        directions=np.concatenate([facing, hair.fibres @ turn.T, fine.tangents]),
        light=joined(light, hair.light),
        lamps=joined(lamps, hair.lamps),
        triangles=scene.triangles,
    )


def _normals(scene: Scene, vertices: Floats) -> Floats:
    places = vertices[scene.body.faces]
    by_face = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    return normalised(scene.spread @ by_face)
