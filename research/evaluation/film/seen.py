"""A film → what its face does in every frame: lips, head, and how sharp it is; and when nobody
speaks."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.lips import deep_pauses
from audio2mesh.prosody.listener import prosody_of
from audio2mesh.sound import SAMPLE_RATE
from avatar.geometry.rotations import head_angles
from avatar.geometry.similarity import fit_similarity
from avatar.geometry.vectors import Bools, Floats
from avatar.heads import load_head
from avatar.tracking.frames import LONGEST
from avatar.tracking.landmarks import EYES, NOSE, SKIN_POINTS, skin_points
from avatar.video.reader import FPS, Bytes, colour_frames, film_info
from avatar.video.sound import sound_reader
from avatar.vision.follow import FaceFinder, follow_face
from avatar.vision.landmarks import face_square, mouth_of
from common.errors import InputError
from common.parallel import ahead
from common.progress import progress_bar
from research.evaluation.film.lips import NAN, LipCurves
from research.evaluation.head.voice import pauses, speed, without_noise

SHORTEST = 1.0  # seconds
LEAST_FOUND = 0.5  # of the frames that must show a face
FASTEST = 60.0  # frames a second that are looked at
CROPS = 3  # that landmarks are averaged over


@dataclass(frozen=True)
class PictureScores:
    """How a face is seen in a film; deviations are over time."""

    sharpness: float  # mean variance of the Laplacian over that of the brightness
    sharpness_varies: float  # its deviation over its mean
    yaw_deg: float  # standard deviations
    pitch_deg: float
    roll_deg: float
    head_speed: float  # mean, degrees a second
    found: float  # share of the frames that show a face


@dataclass(frozen=True)
class FaceSeen:
    """The face of a film."""

    lips: LipCurves
    picture: PictureScores


def watch(film: Path, finder: FaceFinder) -> FaceSeen:
    """Follow the largest face through a film at its own rate; where it is lost, figures are
    interpolated. Raises as `colour_frames`, and InputError for a film without a face or one that is
    too short."""
    info = film_info(film)
    fps = min(info.fps or FPS, FASTEST)
    rows, lost = [], np.full(6, NAN)
    with progress_bar(f"watching {film.name}", round(info.seconds * fps) or None) as done:
        for points, picture in _faces(film, fps, finder):
            rows.append(lost if points is None else _row(points, picture))
            done()
    known = np.isfinite([row[0] for row in rows])
    _check(film, known, fps)
    frames = np.arange(len(rows))
    gap, width, sharp, *angles = (
        np.interp(frames, frames[known], column[known]) for column in np.stack(rows, 1)
    )
    head = without_noise(np.unwrap(np.stack(angles, 1), period=360, axis=0), fps)
    yaw, pitch, roll = head.std(0).tolist()
    picture = PictureScores(
        sharpness=float(sharp.mean()),
        sharpness_varies=float(sharp.std() / sharp.mean()),
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        head_speed=float(speed(head, fps).mean()),
        found=float(known.mean()),
    )
    return FaceSeen(LipCurves(gap, width, fps), picture)


def _check(film: Path, known: Bools, fps: float) -> None:
    if len(known) < SHORTEST * fps:
        raise InputError(
            f"{film}: has {len(known)} frames; give a film of at least {SHORTEST:g} s to measure"
        )
    if known.mean() < LEAST_FOUND:
        raise InputError(
            f"{film}: a face was found in {known.sum()} of {len(known)} frames; give a film that "
            "shows one face all the time, at least 60 pixels wide"
        )


def _faces(film: Path, fps: float, finder: FaceFinder) -> Iterator[tuple[Tensor | None, Bytes]]:
    """The landmarks [478, 3] of each frame, or None, and its picture."""
    waiting: deque[Bytes] = deque()

    def passing() -> Iterator[Bytes]:
        for picture in ahead(colour_frames(film, LONGEST, fps)):
            waiting.append(picture)
            yield picture

    for face in follow_face(finder, passing(), averaged=CROPS):
        yield None if face.points is None else face.points.cpu(), waiting.popleft()


def _row(points: Tensor, picture: Bytes) -> Floats:
    """Gap, width, sharpness, yaw, pitch and roll [6] of a face [478, 3]."""
    gap, width = mouth_of(points[None])
    return np.array([float(gap), float(width), sharpness(picture, points), *turned(points)])


def sharpness(picture: Bytes, points: Tensor) -> float:
    """Variance of the Laplacian of a face [478, 3] in a picture [H, W, 3], over the variance of its
    brightness, once it is scaled to one size: neither size nor light counts."""
    square = face_square(torch.from_numpy(picture) / 255, points[:, :2])
    face = square.mean(-1)  # [SIDE, SIDE]
    sides = face[:-2, 1:-1] + face[2:, 1:-1] + face[1:-1, :-2] + face[1:-1, 2:]
    return float((sides - 4 * face[1:-1, 1:-1]).var() / face.var().clamp(min=1e-9))


def turned(points: Tensor) -> list[float]:
    """Yaw, pitch and roll in degrees of a face [478, 3] in a picture, from where its eyes and nose
    lie, by the similarity from those of the mean head."""
    index, model = _firm_points()
    up = points[index].double().numpy() * (1, -1, -1)
    rotation = torch.from_numpy(fit_similarity(model, up).rotation)
    return head_angles(rotation[None])[0].rad2deg().tolist()


@cache
def _firm_points() -> tuple[list[int], Floats]:
    """Landmarks that expressions hardly move, and where they are on the head [P, 3]."""
    head, firm = load_head(), sorted((*EYES, *NOSE))
    rows = [SKIN_POINTS.index(point) for point in firm]
    return firm, skin_points(head, head.vertices)[rows].double().numpy()


def silent_frames(film: Path, frames: int, fps: float) -> Bools:
    """The frames [F] of a film with sound deep in pauses of its speech."""
    read = sound_reader(film, SAMPLE_RATE, -(film_info(film).sound_begin or 0.0))
    silences = pauses(prosody_of(read(round(frames / fps * SAMPLE_RATE)).mean(1)))
    return deep_pauses(np.array(silences).reshape(-1, 2), fps, frames)
