"""The sitter of one timestep, lit."""

import numpy as np

from avatar.mesh.normals import point_normals
from avatar.mesh.vectors import Floats
from avatar.synthetic.capture.fine_hair import place
from avatar.synthetic.capture.light import cast
from avatar.synthetic.capture.picture import Surface
from avatar.synthetic.capture.scene import Scene
from avatar.synthetic.shared.surface import rounded_points


def pose_scene(scene: Scene, vertices: Floats, head_pose: Floats) -> Surface:
    """The lit surface of one timestep.

    vertices [V, 3]: the head's mesh in world space; head_pose [4, 4]: how the hair moves with it.
    """
    body, pieces, hair, fine = scene.body, scene.pieces, scene.hair, scene.fine_hair
    whole = np.concatenate([vertices + body.sink, body.still])
    normals = point_normals(whole, body.faces)
    light, lamps = scene.matter.lit(cast(whole, scene.solid), whole, normals)
    corners = body.faces[pieces.triangles]
    points, facing = rounded_points(whole, normals, corners, pieces.weights)
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
