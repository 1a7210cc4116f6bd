"""478 points of a face: 468 of the canonical face mesh and twice 5 of the irises.

The network (Face Mesh V2) sees an upright square around the face. The square comes from the
detector at first and then from the points themselves. The points give 52 expression scores under
ARKit's names.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from avatar.heads.arkit import WEIGHTS
from avatar.vision.detector import POINTS, Faces
from avatar.vision.network import Network, Squares, cut

COUNT = 478
SIZE = 256  # pixels of the network's input
MARGIN = 1.5  # sides of the square in sides of the box around the face
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The points on the outline of the face, in order."""
RIGHT_CORNER, LEFT_CORNER = 33, 263  # outer corners of the person's eyes
UPPER_LIP, LOWER_LIP = (81, 82, 13, 312, 311), (178, 87, 14, 317, 402)
"""Points on the inner lips, one below the other."""
LIP_CORNERS = (78, 308)
"""Inner corners of the mouth."""
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
    positions = raw.reshape(-1, COUNT, 3) / SIZE
    points = squares.to_picture(positions[..., :2])
    depth = positions[..., 2:] * squares.sides[:, None, None]
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


def mouth_of(points: Tensor) -> tuple[Tensor, Tensor]:
    """The gap between the lips and the mouth's width of faces [N, 478, 2 or more] in pixels.

    Both [N] are distances in the picture over that of the outer corners of the eyes: the gap the
    mean of five pairs of points on the inner lips, the width that of the inner corners.
    """

    def apart(some: Sequence[int], others: Sequence[int]) -> Tensor:
        return (points[:, list(some), :2] - points[:, list(others), :2]).norm(dim=-1).mean(-1)

    eyes = apart([RIGHT_CORNER], [LEFT_CORNER])
    return apart(UPPER_LIP, LOWER_LIP) / eyes, apart(LIP_CORNERS[:1], LIP_CORNERS[1:]) / eyes


NAMES = ("_neutral", *sorted(set(WEIGHTS) - {"tongueOut"}))
"""What the network scores, in its order: a neutral face, and ARKit's units but for tongueOut."""

SCORES_POINTS = (
    *(0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65),
    *(66, 67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136),
    *(144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168),
    *(172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276),
    *(282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318),
    *(321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380),
    *(381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466),
    *range(468, 478),
)
"""The points that the network reads, of the 478."""


def find_scores(network: Network, points: Tensor) -> Tensor:
    """Points [N, 478, 3] in pixels → scores [N, 52] in [0, 1], by NAMES."""
    read = torch.tensor(SCORES_POINTS, device=points.device)
    (scores,) = network(points[..., :2].index_select(1, read))
    return scores


SIDE = 96  # pixels of the square around the face in which it is looked at


def face_square(picture: Tensor, points: Tensor) -> Tensor:
    """The square around a face [478, 2] in a picture [H, W, 3], at SIDE² pixels [SIDE, SIDE, 3];
    the picture's rim goes on beyond it."""
    low, high = points.amin(0), points.amax(0)
    side = float((high - low).max())
    corner = (low + high - side) / 2
    height, width = picture.shape[:2]
    steps = torch.arange(int(side) + 1)
    columns, rows = (int(start) + steps for start in corner.floor())
    part = picture[rows.clamp(0, height - 1)][:, columns.clamp(0, width - 1)]
    small = functional.interpolate(
        part.permute(2, 0, 1)[None].float(), (SIDE, SIDE), mode="bilinear", antialias=True
    )
    return small[0].permute(1, 2, 0)
