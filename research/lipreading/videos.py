"""A folder of films of any talking face, as the teacher of lip reading.

The films have the names of the audio clips. A film's mouth is given by `<name>.json` beside it,
{"x": .., "y": .., "side": ..} in pixels of the film, the centre and the side of a square; without
one it is located by the speech.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from audio2mesh.sound.energy import frame_energy
from audio2mesh.sound.waveform import stream_audio
from avatar.video.reader import FPS, film_info, grey_frames
from common.errors import InputError
from common.json_files import read_json
from research.lipreading.critic import Stretch, Teacher
from research.lipreading.mouth_view import SIZE, Box, locate_mouth

SUFFIXES = (".mp4", ".webm", ".mkv", ".mov", ".avi")
_SMALL = 128  # columns of the pictures in which the mouth is sought


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

    InputError where the film cannot be read, its box lies outside the picture or no mouth is found;
    FileNotFoundError if there is no such film.
    """
    box = _given_box(path) or _found_box(path)
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


def _given_box(path: Path) -> Box | None:
    box_file = path.with_suffix(".json")
    if not box_file.exists():
        return None
    values = read_json(box_file)
    try:
        box = Box(*(float(values[name]) for name in ("x", "y", "side")))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f'{box_file}: is no box of a mouth; write {{"x": .., "y": .., "side": ..}} in pixels'
        ) from error
    height, width = next(grey_frames(path)).shape
    if not (0 <= box.x < width and 0 <= box.y < height and box.side > 0):
        raise InputError(f"{box_file}: the box lies outside the film's {width}x{height} pixels")
    return box


def _found_box(path: Path) -> Box:
    small = np.stack(list(grey_frames(path, _SMALL)))
    loudness = frame_energy(stream_audio(path), FPS)  # of frames from the sound's beginning on
    late = round((film_info(path).sound_begin or 0.0) * FPS)
    box = locate_mouth(small, np.pad(loudness[max(0, -late) :], (max(0, late), 0)))
    if box is None:
        raise InputError(
            f"{path}: no place in the film moves with its speech, so the mouth is not found; "
            f"write its box to {path.with_suffix('.json').name}"
        )
    scale = next(grey_frames(path)).shape[1] / small.shape[2]
    return replace(box, x=box.x * scale, y=box.y * scale, side=box.side * scale)
