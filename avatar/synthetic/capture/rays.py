"""Shade by rays, as exact as the mesh: for captures whose light is to be the truth."""

from dataclasses import dataclass
from threading import Lock

import numpy as np

from avatar.mesh.closest import FaceTree, face_tree
from avatar.mesh.rays import unhidden
from avatar.mesh.vectors import Floats, Ints

_ALONE = Lock()  # rays are cast by all threads together, and not every way of that bears two calls


@dataclass(frozen=True)
class RayShadows:
    """What a mesh takes away from each direction's light."""

    tree: FaceTree
    directions: Floats  # [D, 3]

    def visible(self, points: Floats, bias: Floats | float) -> Floats:
        """Whether each direction's light reaches each point [N, D], 0 or 1.

        bias [N]: metres within which surfaces do not shade.
        """
        asked = np.ones((len(points), len(self.directions)), bool)
        nearest = np.broadcast_to(np.asarray(bias, float), len(points))
        with _ALONE:
            return unhidden(self.tree, points, self.directions, asked, nearest).astype(np.float32)


def ray_shadows(vertices: Floats, faces: Ints, directions: Floats) -> RayShadows:
    """The shadows of triangles [M, 3] of vertices [V, 3] in light from directions [D, 3]."""
    return RayShadows(face_tree(vertices, faces), directions)
