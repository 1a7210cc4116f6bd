"""Faces of a picture with their landmarks; one face tracked through the shots of a film."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from avatar.vision.detector import Detector, find_faces, find_small_faces, load_detector
from avatar.vision.landmarks import (
    COUNT,
    PRESENT,
    Landmarks,
    find_landmarks,
    squares_of_faces,
    squares_of_points,
)
from avatar.vision.network import Network, Squares, load_network
from common.parallel import beside

SIZE = 16  # pixels across and down in which frames are compared
CUT = 0.05  # the least mean difference of two frames' colours, in [0, 1], that can be a cut
SUDDEN = 4.0  # and how many times the difference of the frames just before it is
BEFORE = 2  # so many of them


def numbered_by_shot(pictures: Iterable[Tensor]) -> Iterator[tuple[int, Tensor]]:
    """Each of the pictures [H, W, 3] in [0, 1] with the number of cuts before it.

    A cut is a large and sudden change. Light that changes for the whole picture is none, nor is a
    person who moves in front of it.
    """
    shot, last, changes = 0, None, deque([0.0], BEFORE)
    for picture in pictures:
        now = F.adaptive_avg_pool2d(picture.permute(2, 0, 1), SIZE)
        now = now - now.mean()  # less its brightness
        change = 0.0 if last is None else float((now - last).abs().mean())
        shot += change > max(CUT, SUDDEN * max(changes))
        changes.append(change)
        last = now
        yield shot, picture


SAME = 0.2  # sides of its square: two faces nearer than this are one, found twice
JUMP = 0.5  # sides of its square: a face that moves so far, or grows so much, is another


class FaceFinder(NamedTuple):
    """The networks that find faces and their points."""

    detector: Detector
    landmarks: Network


@dataclass(frozen=True)
class FaceFrame:
    """What one frame of a film shows."""

    shot: int  # how many cuts came before
    points: Tensor | None  # [478, 3] as in `Landmarks`; None where the face is lost
    where: Squares | None  # around the face at a first look; None where it is lost


def load_face_finder(device: torch.device | str = "cpu") -> FaceFinder:
    return FaceFinder(load_detector(device), load_network("face_landmarks", device))


def faces_in_picture(
    finder: FaceFinder, picture: Tensor, averaged: int = 1, small: bool = True
) -> Landmarks:
    """The points of every face in a picture [H, W, 3] in [0, 1], the largest face first.

    small: look closer, for a quarter of a second, if nothing is found at a glance.
    """
    (faces,) = find_faces(finder.detector, picture[None])
    if small and not len(faces):
        faces = find_small_faces(finder.detector, picture)
    if not len(faces):
        return Landmarks(picture.new_zeros(0, COUNT, 3), picture.new_zeros(0))
    squares = squares_of_faces(faces)
    found = find_landmarks(finder.landmarks, picture[None], squares, averaged=averaged)
    squares = squares_of_points(found.points)
    apart = ((squares.centres[:, None] - squares.centres).norm(dim=-1) / squares.sides).tolist()
    seen = (found.presence >= PRESENT).tolist()
    kept: list[int] = []
    for k in squares.sides.argsort(descending=True).tolist():
        if seen[k] and all(apart[k][other] > SAME for other in kept):
            kept.append(k)
    chosen = torch.tensor(kept, dtype=torch.long, device=picture.device)
    return Landmarks(found.points[chosen], found.presence[chosen])


def follow_face(
    finder: FaceFinder,
    frames: Iterable[NDArray[np.uint8]],
    face: int = 0,
    averaged: int = 1,
    known: Sequence[FaceFrame] = (),
) -> Iterator[FaceFrame]:
    """One face in the frames [H, W, 3] of a film: a result for each, as it comes.

    face: which to follow, by its size where a shot begins, 0 the largest; after a loss it is the
    one nearest to where the face was. averaged: see `find_landmarks`. known: what was found before
    in the first frames, which are looked at no more; results are those of the others. A first look
    goes from frame to frame, while other threads look closer at the frames before.
    """

    def look_closer(seen: tuple[Tensor, FaceFrame]) -> FaceFrame:
        picture, frame = seen
        if frame.where is None:
            return frame
        found = find_landmarks(finder.landmarks, picture[None], frame.where, 1, averaged)
        return replace(frame, points=found.points[0])

    return beside(look_closer, _first_looks(finder, frames, face, known))


def _first_looks(
    finder: FaceFinder, frames: Iterable[NDArray[np.uint8]], face: int, known: Sequence[FaceFrame]
) -> Iterator[tuple[Tensor, FaceFrame]]:
    """The pictures after those that are known, and where the face is in each, without points."""
    device = finder.landmarks.device
    pictures = (torch.tensor(frame, device=device) / 255 for frame in frames)
    before, last = -1, None
    for number, (shot, picture) in enumerate(numbered_by_shot(pictures)):
        last = last if shot == before else None
        if number < len(known):
            last = known[number].where or last
        else:
            found = _followed(finder, picture, last)
            if found is None:
                faces = faces_in_picture(finder, picture, small=shot != before)
                found = _chosen(faces, face, last)
            where = None if found is None else squares_of_points(found.points)
            yield picture, FaceFrame(shot, None, where)
            last = where or last
        before = shot


def _followed(finder: FaceFinder, picture: Tensor, last: Squares | None) -> Landmarks | None:
    """The face near where it was, at a first look, if it is there."""
    if last is None:
        return None
    found = find_landmarks(finder.landmarks, picture[None], last, passes=1)
    now = squares_of_points(found.points)
    moved = float((now.centres - last.centres).norm() / last.sides)
    grown = abs(float(now.sides / last.sides) - 1)
    stayed = float(found.presence) >= PRESENT and max(moved, grown) < JUMP
    return found if stayed else None


def _chosen(faces: Landmarks, face: int, last: Squares | None) -> Landmarks | None:
    """The face of a number by size, or the one nearest to where it was; one is kept of many."""
    if last is not None and len(faces.points):
        centres = squares_of_points(faces.points).centres
        face = int((centres - last.centres).norm(dim=-1).argmin())
    if face >= len(faces.points):
        return None
    return Landmarks(faces.points[face : face + 1], faces.presence[face : face + 1])
