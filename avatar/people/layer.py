"""Gaussians of one part of a person, their binding to the head, and which of them views show."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from avatar.geometry.rotations import matrix_to_quaternion
from avatar.geometry.vectors import MM, Floats, Ints, disc_axes
from avatar.heads import fit_units, load_head
from avatar.lighting.materials import tone
from avatar.people.subject import Subject
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import bind, to_world, triangle_frames
from splat import Camera, Gaussians, activate, orbit, render, rgb_to_sh
from splat.scene.conventions import SH_C0


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


POSES: tuple[Mapping[str, float], ...] = (
    {},
    {"jawOpen": 0.8, "eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    {"jawOpen": 0.25, "mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "browInnerUp": 1.0}
    | {"eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0},
    {"mouthFunnel": 1.0, "eyeLookDownLeft": 1.0, "eyeLookDownRight": 1.0},
    {"mouthPucker": 0.8, "eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0, "tongueOut": 0.8},
    {
        "jawOpen": 0.5,
        "eyeLookInLeft": 1.0,
        "eyeLookOutRight": 1.0,
        "mouthUpperUpLeft": 0.8,
        "mouthUpperUpRight": 0.8,
        "mouthLowerDownLeft": 0.8,
        "mouthLowerDownRight": 0.8,
    },
)
AROUND, ABOVE = tuple(range(0, 360, 45)), (-25.0, 5.0, 40.0)  # degrees
TO_THE_FACE = (-50, -25, 0, 25, 50)
SIZE, DISTANCE, CLOSE = 400, 1.2, 9.0  # pixels, metres, degrees
PIXEL = 1 * MM  # around the bust
MIDDLE = torch.tensor([0.0, -0.02, 0.0])
LEAST = 0.03  # pixels that a Gaussian must fill in some view


def without_unseen(avatar: Avatar, least: float = LEAST) -> Avatar:
    """The avatar without Gaussians that fill less than `least` pixels, from no side, in no pose."""
    kept = most_filled(avatar) > least
    raw = type(avatar.gaussians)(**{k: v[kept] for k, v in vars(avatar.gaussians).items()})
    return replace(avatar, gaussians=raw, binding=avatar.binding[kept])


def most_filled(avatar: Avatar) -> Tensor:
    """The most pixels [N] that each Gaussian fills, of all sides and poses."""
    most = torch.zeros(len(avatar.binding))
    head = load_head(avatar.topology)
    units = fit_units(head, avatar.vertices)
    for number, pose in enumerate(POSES):
        vertices = avatar.vertices.clone()
        for name, weight in pose.items():
            vertices += weight * units[head.unit_names.index(name)]
        frames = triangle_frames(vertices, avatar.faces)
        world = to_world(activate(avatar.gaussians), avatar.binding, frames)
        for view in _close() if number else [*_around(world.means), *_close()]:
            most = torch.maximum(most, filled(world, view))
    return most


def filled(gaussians: Gaussians, view: Camera) -> Tensor:
    """Pixels [N] that each Gaussian fills: the sum of its weights in a picture.

    The picture is linear in colours, so that its derivative by them is just that.
    """
    sh = torch.zeros(len(gaussians.means), 1, 3, requires_grad=True)
    picture = render(replace(gaussians, sh=sh), view).color
    picture[..., 0].sum().backward()
    assert sh.grad is not None
    return sh.grad[:, 0, 0] / SH_C0


def _around(means: Tensor) -> Iterator[Camera]:
    """Cameras around the bust, which show all centres [N, 3]."""
    reach = float((means - MIDDLE).norm(dim=1).max())
    angle = 2 * math.degrees(math.asin(min(reach / DISTANCE, 0.9)))
    size = round(2 * DISTANCE * math.tan(math.radians(angle / 2)) / PIXEL)
    for azimuth in AROUND:
        for elevation in ABOVE:
            yield orbit(MIDDLE, DISTANCE, azimuth, elevation, angle, size, size)


def _close() -> Iterator[Camera]:
    """Cameras close to the face."""
    for azimuth in TO_THE_FACE:
        yield orbit(torch.tensor([0.0, -0.01, 0.05]), DISTANCE, azimuth, 0.0, CLOSE, SIZE, SIZE)
