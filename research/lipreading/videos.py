"""A folder of films of any talking face, as the teacher of lip reading.

The films have the names of the audio clips. The mouth is where the landmarks of the face are.
"""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from avatar.video.reader import FPS, colour_frames, grey_frames
from avatar.vision.follow import faces_in_picture, load_face_finder
from avatar.vision.landmarks import LOWER_LIP, UPPER_LIP
from common.errors import InputError
from research.lipreading.critic import Stretch, Teacher
from research.lipreading.mouth_view import FRONT, SIZE

SUFFIXES = (".mp4", ".webm", ".mkv", ".mov", ".avi")
_EVERY = 25  # of so many frames one is looked at
_CORNERS, _LIPS = [61, 291], [*UPPER_LIP, *LOWER_LIP]  # landmarks: outer corners, inner lips


@dataclass(frozen=True)
class Box:
    """A square in a picture, in pixels; the middle of the mouth is at its centre."""

    x: float  # of the centre, to the right
    y: float  # of the centre, down
    side: float


def load_mouth_videos(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Name of each film → its mouth [F, 88, 88] at 25 frames a second.

    InputError for a folder without films and where `load_mouth_video` raises.
    """
    films = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not films:
        raise InputError(f"{folder}: holds no films of a teacher ({', '.join(SUFFIXES)})")
    return {path.stem: load_mouth_video(path) for path in films}


def load_mouth_video(path: Path) -> NDArray[np.uint8]:
    """The mouth of a film, [F, 88, 88] grey; frame f belongs to second (f + 0.5) / 25.

    InputError where the film cannot be read or no face is found; FileNotFoundError if there is no
    such film.
    """
    box = _found_box(path)
    return np.stack([cut_out(picture, box) for picture in grey_frames(path)])


def video_teacher(crops: dict[str, NDArray[np.uint8]]) -> Teacher:
    """The teacher's mouth from films; a stretch that leaves its recording has no crops."""

    def teach(stretch: Stretch) -> Tensor | None:
        film = crops.get(stretch.clip)
        if film is None or not bool(stretch.times.isfinite().all()):
            return None
        index = (stretch.times.double() * FPS).floor().long().cpu().numpy()
        if index.min() < 0 or index.max() >= len(film):
            return None
        return torch.from_numpy(film[index]).float() / 255

    return teach


def cut_out(picture: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The box of a picture [H, W], averaged down or interpolated to [88, 88].

    Outside the picture its border is replicated.
    """
    side = max(1, round(box.side))
    rows = np.clip(np.arange(side) + round(box.y - side / 2), 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(side) + round(box.x - side / 2), 0, picture.shape[1] - 1)
    square = torch.from_numpy(picture[np.ix_(rows, columns)]).float()[None, None]
    scaled = functional.interpolate(square, (SIZE, SIZE), mode="bilinear", antialias=True)
    return scaled[0, 0].round().clamp(0, 255).byte().numpy()


def _found_box(path: Path) -> Box:
    """The mouth of the largest face, the median over some frames."""
    finder, found = load_face_finder(), []
    for picture in islice(colour_frames(path), 0, None, _EVERY):
        faces = faces_in_picture(finder, torch.from_numpy(picture).float() / 255).points
        if len(faces):
            points = faces[0, :, :2]
            right, left = points[_CORNERS]
            found.append([*points[_LIPS].mean(0), (left - right).norm() / FRONT.mouth])
    if not found:
        raise InputError(f"{path}: no face is found in it; leave it out, or give a film of a face")
    return Box(*torch.tensor(found).median(0).values.tolist())
