"""Faces in pictures: BlazeFace (arXiv 1907.05047) at two ranges.

The short range detects faces that fill a large part of the picture, the full range smaller ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from avatar.vision.network import Name, Network, Squares, cut, load_network

POINTS = ("right_eye", "left_eye", "nose", "mouth", "right_ear", "left_ear")
"""What the detector finds besides a box; right and left are the person's."""

OVERLAP = 0.3  # intersection over union from which two boxes are the same face
ZOOM_OUT = 2.0  # a face that fills the picture is sought again in a square of so many sides
PARTS = (2, 4)  # a small face is sought in squares of a half and a quarter of the picture
BATCH = 16  # of them at once


class Range(NamedTuple):
    """One network: the size of its input and its grids of anchors (cells across, anchors each)."""

    name: Name
    size: int
    grids: tuple[tuple[int, int], ...]
    least_score: float


SHORT = Range("face_detector", 128, ((16, 2), (8, 6)), 0.5)
FULL = Range("face_detector_full_range", 192, ((48, 1),), 0.6)


class Detector(NamedTuple):
    """The networks of both ranges."""

    short: Network
    full: Network


@dataclass(frozen=True)
class Faces:
    """The faces in one picture, the largest first, in pixels."""

    boxes: Tensor  # [F, 4] left, top, right, bottom: from the brows to the chin
    points: Tensor  # [F, 6, 2] in the order of POINTS

    def __len__(self) -> int:
        return len(self.boxes)


def load_detector(device: torch.device | str = "cpu") -> Detector:
    return Detector(load_network(SHORT.name, device), load_network(FULL.name, device))


def find_faces(detector: Detector, pictures: Tensor) -> list[Faces]:
    """The faces in each of the pictures [N, H, W, 3] in [0, 1]; there may be none.

    Finds what is at least a fifteenth of the longer side of the picture.
    """
    whole = _whole(pictures)
    near = _candidates(detector.short, SHORT, pictures, whole)
    far = _candidates(detector.full, FULL, pictures, whole)
    found = [distinct(*_joined(both)) for both in zip(near, far, strict=True)]
    for index, faces in enumerate(found):
        if not len(faces):
            picture = pictures[index : index + 1]
            wider = _whole(picture, ZOOM_OUT)
            found[index] = distinct(*_candidates(detector.short, SHORT, picture, wider)[0])
    return found


def find_small_faces(detector: Detector, picture: Tensor) -> Faces:
    """The faces in a picture [H, W, 3] in [0, 1] down to a sixtieth of its longer side: those that
    the far range sees in overlapping parts of it."""
    parts = []
    for count in PARTS:
        tiles = _tiles(picture, count)
        for first in range(0, len(tiles.sides), BATCH):
            some = slice(first, first + BATCH)
            squares = Squares(tiles.centres[some], tiles.sides[some], tiles.angles[some])
            parts += _candidates(detector.full, FULL, picture[None], squares)
    return distinct(*_joined(parts))


def distinct(positions: Tensor, scores: Tensor) -> Faces:
    """Candidates [A, 8, 2] (two corners, six points) and scores [A] → one face for each heap.

    Of candidates that overlap the best decides, and all count by their scores in where it lies.
    """
    faces = []
    order = scores.argsort(descending=True)
    positions, scores = positions[order], scores[order]
    while len(scores):
        same = _overlap(positions[0, :2], positions[:, :2]) > OVERLAP
        same[0] = True
        weights = scores[same] / scores[same].sum()
        faces.append((positions[same] * weights[:, None, None]).sum(0))
        positions, scores = positions[~same], scores[~same]
    joined = torch.stack(faces) if faces else positions.reshape(0, 8, 2)
    width_height = joined[:, 1] - joined[:, 0]
    joined = joined[width_height.prod(-1).argsort(descending=True)]
    return Faces(joined[:, :2].reshape(-1, 4), joined[:, 2:])


def _candidates(
    network: Network, detector: Range, pictures: Tensor, squares: Squares
) -> list[tuple[Tensor, Tensor]]:
    """Of each square [N] of pictures [N or 1]: positions [A, 8, 2] in pixels of its picture and
    scores [A] of likely faces."""
    raw, logits = network(cut(pictures, squares, detector.size) * 2 - 1)
    inside = decode(raw, detector)
    positions = squares.to_picture(inside.flatten(1, 2)).reshape(inside.shape)
    scores = logits[..., 0].sigmoid()
    return [
        (p[s >= detector.least_score], s[s >= detector.least_score])
        for p, s in zip(positions, scores, strict=True)
    ]


def _joined(parts: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    positions, scores = zip(*parts, strict=True)
    return torch.cat(positions), torch.cat(scores)


def _whole(pictures: Tensor, sides: float = 1.0) -> Squares:
    """A square around the middle of each picture [N, H, W, 3], in its longer sides."""
    count, height, width = pictures.shape[:3]
    return Squares(
        torch.tensor([[width / 2, height / 2]], device=pictures.device).expand(count, 2),
        pictures.new_full((count,), max(height, width) * sides),
        pictures.new_zeros(count),
    )


def _tiles(picture: Tensor, count: int) -> Squares:
    """Squares of a `count`th of a picture's longer side, each over half of its neighbours."""
    height, width = picture.shape[:2]
    side = max(height, width) / count
    across, down = (
        torch.arange(1, max(2, math.ceil(length / side * 2))) * side / 2
        for length in (width, height)
    )
    centres = torch.cartesian_prod(across, down).to(picture)
    blank = picture.new_zeros(len(centres))
    return Squares(centres, blank + side, blank)


def decode(raw: Tensor, detector: Range) -> Tensor:
    """A network's numbers [N, A, 16] → two corners and six points [N, A, 8, 2] in [0, 1]."""
    positions = raw.reshape(*raw.shape[:2], 8, 2) / detector.size
    anchors = _anchors(detector).to(raw.device)
    centre, half = positions[:, :, 0] + anchors, positions[:, :, 1] / 2
    points = positions[:, :, 2:] + anchors[:, None]
    return torch.cat([torch.stack([centre - half, centre + half], 2), points], 2)


def _anchors(detector: Range) -> Tensor:
    """Centres [A, 2] in [0, 1] of the cells, row by row, each as often as it has anchors."""
    grids = []
    for across, each in detector.grids:
        ticks = (torch.arange(across) + 0.5) / across
        centres = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), -1)
        grids.append(centres.reshape(-1, 2).repeat_interleave(each, 0))
    return torch.cat(grids)


def _overlap(box: Tensor, boxes: Tensor) -> Tensor:
    """Intersection over union of a box [2, 2] with boxes [A, 2, 2], each two corners."""
    low, high = torch.maximum(box[0], boxes[:, 0]), torch.minimum(box[1], boxes[:, 1])
    common = (high - low).clamp(min=0).prod(-1)
    areas = (boxes[:, 1] - boxes[:, 0]).clamp(min=0).prod(-1)
    area = (box[1] - box[0]).clamp(min=0).prod()
    return common / (area + areas - common).clamp(min=1e-12)
