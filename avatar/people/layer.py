"""Gaussians of one part of the portrait, and their binding to its head."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from avatar.geometry.rotations import matrix_to_quaternion
from avatar.geometry.vectors import Floats, Ints, disc_axes
from avatar.lighting.materials import tone
from avatar.people.subject import Subject
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import bind
from splat import Gaussians, rgb_to_sh


@dataclass(frozen=True)
class Layer:
    """Gaussians in head space."""

    means: Floats  # [N, 3] metres
    axes: Floats  # [N, 3, 3] columns: the three axes of the ellipsoid
    scales: Floats  # [N, 3] metres, standard deviations along the axes
    radiance: Floats  # [N, 3] linear light
    opacities: Floats  # [N]
    triangles: Ints  # [N] the triangle that each is bound to

    def __len__(self) -> int:
        return len(self.means)

    def gaussians(self) -> Gaussians:
        """The Gaussians, their light baked into one colour for all directions of view."""
        return Gaussians(
            means=torch.from_numpy(self.means).float(),
            quats=matrix_to_quaternion(torch.from_numpy(self.axes)).float(),
            scales=torch.from_numpy(self.scales).float(),
            opacities=torch.from_numpy(self.opacities).float(),
            sh=rgb_to_sh(torch.from_numpy(tone(self.radiance)).float())[:, None],
        )


def layer(
    means: Floats,
    axes: Floats,
    scales: Sequence[ArrayLike],
    radiance: Floats,
    opacities: ArrayLike,
    triangles: ArrayLike,
) -> Layer:
    """A layer from per-Gaussian values or values common to all; scales: one entry per axis."""
    count = len(means)
    return Layer(
        means=means,
        axes=axes,
        scales=np.stack([np.broadcast_to(scale, count) for scale in scales], axis=1),
        radiance=radiance,
        opacities=np.broadcast_to(opacities, count).astype(float),
        triangles=np.broadcast_to(triangles, count).astype(np.int64),
    )


def discs(
    points: Floats,
    normals: Floats,
    radii: Floats,
    flatness: float,
    radiance: Floats,
    opacities: ArrayLike,
    triangles: Ints,
) -> Layer:
    """Round discs at points [N, 3], across their normals [N, 3]: radii [N] in metres, and their
    thickness as a share `flatness` of these."""
    scales = (radii, radii * flatness, radii)
    return layer(points, disc_axes(normals), scales, radiance, opacities, triangles)


def bound(layer: Layer, subject: Subject) -> Avatar:
    """Gaussians of a layer bound to the triangles of the subject's head."""
    vertices = torch.from_numpy(subject.rest.vertices[: len(subject.head.vertices)]).float()
    binding = torch.from_numpy(subject.owners[layer.triangles])
    faces = subject.head.faces
    return Avatar(
        bind(layer.gaussians(), binding, vertices, faces), binding, vertices, faces, "anny-head"
    )
