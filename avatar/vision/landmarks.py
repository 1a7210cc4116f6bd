"""478 points of a face: 468 of the canonical face mesh and twice 5 of the irises.

The network (Face Mesh V2) sees an upright square around the face. The square comes from the
detector at first and then from the points themselves.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.vision.crops import Squares, cut
from avatar.vision.detector import POINTS, Faces
from avatar.vision.network import Network

COUNT = 478
SIZE = 256  # pixels of the network's input
MARGIN = 1.5  # sides of the square in sides of the box around the face
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The points on the outline of the face, in order."""
RIGHT_CORNER, LEFT_CORNER = 33, 263  # outer corners of the person's eyes
PRESENT = 0.5  # the least presence of a face
APART = 0.03  # from the middle square to the others that are averaged, in sides
TILTED, LARGER = 0.05, 0.03  # and by how much they are turned in radians, or larger or smaller


@dataclass(frozen=True)
class Landmarks:
    """The points of one face in each of N pictures or squares."""

    points: Tensor  # [N, 478, 3] x, y in pixels; z in the same measure, less is nearer
    presence: Tensor  # [N] how surely there is a face, in [0, 1]


def find_landmarks(
    network: Network, pictures: Tensor, squares: Squares, passes: int = 2, averaged: int = 1
) -> Landmarks:
    """The points in squares [N] of the pictures [N or 1, H, W, 3] in [0, 1].

    passes: how often the network runs, each time but the first in the square around the points
    that it found before; averaged: how many squares of the last pass, a little apart, give the mean
    of their points, which trembles less. A square without a face leads nowhere: see `presence`.
    """
    for _ in range(passes - 1):
        squares = squares_of_points(_points_in(network, pictures, squares).points)
    if averaged == 1:
        return _points_in(network, pictures, squares)
    if len(pictures) > 1:
        pictures = pictures.repeat_interleave(averaged, 0)
    found = _points_in(network, pictures, _around(squares, averaged))
    return Landmarks(
        found.points.unflatten(0, (-1, averaged)).mean(1),
        found.presence.unflatten(0, (-1, averaged)).mean(1),
    )


def squares_of_faces(faces: Faces) -> Squares:
    """Where to look for the points of detected faces."""
    corners = faces.boxes.reshape(-1, 2, 2)
    right, left = (faces.points[:, POINTS.index(name)] for name in ("right_eye", "left_eye"))
    sides = (corners[:, 1] - corners[:, 0]).amax(-1) * MARGIN
    return Squares(corners.mean(1), sides, _angles(right, left))


def squares_of_points(points: Tensor) -> Squares:
    """Where to look again for points [N, 478, 3], or for those of the next frame."""
    flat = points[..., :2]
    angles = _angles(flat[:, RIGHT_CORNER], flat[:, LEFT_CORNER])
    axes = Squares(flat[:, 0], torch.ones_like(angles), angles).axes()  # [N, 2, 2]
    upright = flat @ axes.mT
    low, high = upright.amin(1), upright.amax(1)
    centres = (((low + high) / 2)[:, None] @ axes)[:, 0]
    return Squares(centres, (high - low).amax(-1) * MARGIN, angles)


def _points_in(network: Network, pictures: Tensor, squares: Squares) -> Landmarks:
    raw, presence, _ = network(cut(pictures, squares, SIZE))
    places = raw.reshape(-1, COUNT, 3) / SIZE
    points = squares.to_picture(places[..., :2])
    depth = places[..., 2:] * squares.sides[:, None, None]
    return Landmarks(torch.cat([points, depth], -1), presence.flatten().sigmoid())


def _around(squares: Squares, count: int) -> Squares:
    """Each of the squares [N] as `count` squares in a row: on a ring about it, turned and scaled
    to and fro."""
    turns = torch.arange(count, device=squares.sides.device) * (2 * math.pi / count)
    ring = APART * torch.stack([turns.cos(), turns.sin()], -1)  # [count, 2]
    centres = squares.centres[:, None] + ring * squares.sides[:, None, None]
    sides = squares.sides[:, None] * (1 + LARGER * (2 * turns).sin())
    angles = squares.angles[:, None] + TILTED * (2 * turns).cos()
    return Squares(centres.flatten(0, 1), sides.flatten(), angles.flatten())


def _angles(right: Tensor, left: Tensor) -> Tensor:
    """How far the line from the right to the left eye [N, 2] is turned from level, in radians."""
    along = left - right
    return torch.atan2(along[:, 1], along[:, 0])
