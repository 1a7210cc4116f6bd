"""A film → one face's landmarks in every frame, and its pictures with masks in a folder.

Results are written as they come, so that an interrupted run can be continued.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import torch
from scipy.ndimage import minimum_filter
from torch import Tensor

from avatar.reconstruct.capture_writer import PICTURES, picture_path, write_picture
from avatar.tracking.options import LEAST_FRAMES, TrackingOptions
from avatar.tracking.pyramid import Bytes, Window, window_around
from avatar.video.reader import FilmInfo, colour_frames, film_info
from avatar.vision.follow import FaceFinder, FaceFrame, follow_face
from avatar.vision.landmarks import COUNT
from avatar.vision.mattes import Matting, find_mattes, own_colours
from avatar.vision.network import Squares
from common.arrays import pick, read_arrays, write_arrays
from common.errors import InputError
from common.parallel import ahead, spread
from common.progress import progress_bar

FOLDER = "found"
PART = 100  # frames in a file, which is what an interrupted run may lose


def keep_frames(folder: Path, known: int, frames: Iterable[FaceFrame]) -> Iterator[FaceFrame]:
    """The frames as they come after the known ones, and in files in `folder` a little later."""
    (folder / FOLDER).mkdir(exist_ok=True)
    part: list[FaceFrame] = []
    for frame in frames:
        part.append(frame)
        if len(part) == PART:
            write_arrays(_path(folder, known), _arrays(part))
            known += PART
            part = []
        yield frame


def kept_frames(folder: Path, device: torch.device) -> list[FaceFrame]:
    """The frames that an earlier run kept, from the first one on."""
    found: list[FaceFrame] = []
    while _path(folder, len(found)).is_file():
        found += _frames(_path(folder, len(found)), device)
    return found


def forget_frames(folder: Path) -> None:
    """Remove the files."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def _path(folder: Path, first: int) -> Path:
    return folder / FOLDER / f"{first:06d}.npz"


def _arrays(frames: Sequence[FaceFrame]) -> dict[str, np.ndarray]:
    """Arrays of a file; nan where a face is lost."""
    points = np.full((len(frames), COUNT, 3), np.nan, np.float32)
    rows = np.full((len(frames), 4), np.nan, np.float32)  # centre, side and angle of the square
    for k, frame in enumerate(frames):
        if frame.points is not None and (where := frame.where) is not None:
            points[k] = frame.points.cpu()
            rows[k] = torch.cat([where.centres[0], where.sides, where.angles]).cpu()
    return {"shot": np.array([frame.shot for frame in frames]), "points": points, "where": rows}


def _frames(path: Path, device: torch.device) -> list[FaceFrame]:
    kept = read_arrays(path)
    shots, points, rows = (
        torch.from_numpy(pick(path, kept, name)).to(device) for name in ("shot", "points", "where")
    )
    found = []
    for shot, face, row in zip(shots.tolist(), points, rows, strict=True):
        lost = bool(row.isnan().any())
        where = None if lost else Squares(row[None, :2], row[2:3], row[3:])
        found.append(FaceFrame(shot, None if lost else face, where))
    return found


LONGEST = 1280  # pixels of a frame's longer side: larger films are shrunk as they are read
AROUND = 3  # pixels around skin that must be skin too
HAIR = "hair"  # folder of the hair's masks


@dataclass(frozen=True)
class FollowedFace:
    """The face of one shot of a film."""

    points: Tensor  # [F, 478, 3] pixels of the film as it is read
    frames: Tensor  # [F] which frames of the film those are, ascending
    width: int  # pixels of the film as it is read
    height: int
    fps: float
    lost: int  # frames of the shot without a face
    shots: int  # of the film, of which this is the longest


def follow(film: Path, options: TrackingOptions, finder: FaceFinder, folder: Path) -> FollowedFace:
    """Find the face in every frame, and keep the longest shot that shows it.

    `folder` receives results as they come, or has some of them from an interrupted run.
    Raises FileNotFoundError or InputError with one sentence where there is no such face.
    """
    size = picture_size(film_info(film))
    try:
        return longest_shot(film, options, _found(film, options, finder, folder), size)
    except InputError:
        forget_frames(folder)
        raise


def _found(
    film: Path, options: TrackingOptions, finder: FaceFinder, folder: Path
) -> list[FaceFrame]:
    """The face in every frame."""
    known = kept_frames(folder, finder.landmarks.device)
    pictures = ahead(colour_frames(film, LONGEST, options.fps))
    coming = follow_face(finder, pictures, options.face, options.crops, known)
    frames = known.copy()
    expected = round(film_info(film).seconds * options.fps) or None
    with progress_bar("finding the face", expected, done=len(known)) as done:
        for frame in keep_frames(folder, len(known), coming):
            frames.append(frame)
            done()
    return frames


def longest_shot(
    film: Path, options: TrackingOptions, found: Sequence[FaceFrame], size: tuple[int, int]
) -> FollowedFace:
    shots: dict[int, list[tuple[int, Tensor]]] = {}
    for number, face in enumerate(found):
        if face.points is not None:
            shots.setdefault(face.shot, []).append((number, face.points.cpu()))
    best = max(shots, key=lambda shot: len(shots[shot]), default=None)
    if best is None or len(shots[best]) < LEAST_FRAMES:
        raise InputError(_no_face(film, options, shots))
    numbers, points = zip(*shots[best], strict=True)
    return FollowedFace(
        points=torch.stack(points),
        frames=torch.tensor(numbers),
        width=size[0],
        height=size[1],
        fps=options.fps,
        lost=sum(face.shot == best for face in found) - len(numbers),
        shots=len({face.shot for face in found}),
    )


def write_followed(path: Path, face: FollowedFace) -> None:
    """Write the face, for a run that is continued."""
    write_arrays(path, {each.name: np.asarray(getattr(face, each.name)) for each in fields(face)})


def read_followed(path: Path) -> FollowedFace:
    """Read what `write_followed` wrote. Raises FileNotFoundError or InputError."""
    kept = read_arrays(path)
    values: dict[str, Any] = {}
    for name in (each.name for each in fields(FollowedFace)):
        value = pick(path, kept, name)
        values[name] = torch.from_numpy(value) if value.ndim else value.item()
    return FollowedFace(**values)


def picture_size(info: FilmInfo) -> tuple[int, int]:
    """Pixels across and down of a film's frames as they are read."""
    shrink = min(1.0, LONGEST / max(info.width, info.height))
    return round(info.width * shrink), round(info.height * shrink)


def _no_face(film: Path, options: TrackingOptions, shots: dict[int, list]) -> str:
    if options.face and not shots:
        return f"{film}: has no face number {options.face}; --face 0 is the largest"
    if not shots:
        return (
            f"{film}: no face was found in it; film one person from the front, the face at least "
            "60 pixels wide and well lit"
        )
    most = max(len(frames) for frames in shots.values())
    return (
        f"{film}: shows a face in {most} frames of a shot, where at least {LEAST_FRAMES} are "
        "needed; give a longer film"
    )


def keep_pictures(film: Path, face: FollowedFace, matting: Matting, size: int, out: Path) -> Window:
    """Write the pictures of the face's frames with the masks of the person and of hair.

    Pictures that an earlier run wrote are left as they are.
    """
    window = window_around(face.points[..., :2], face.width, face.height, size)
    for folder in (*PICTURES.values(), HAIR):
        (out / folder).mkdir(parents=True, exist_ok=True)
    numbers = face.frames.tolist()
    missing = {
        number for number in numbers if not all(path.is_file() for path in _kept(out, number))
    }

    def keep(numbered: tuple[int, Bytes]) -> None:
        number, frame = numbered
        _keep(window.cut(frame), matting, _kept(out, number))

    frames = enumerate(colour_frames(film, LONGEST, face.fps) if missing else ())
    some = (numbered for numbered in islice(frames, max(numbers) + 1) if numbered[0] in missing)
    with progress_bar("masks", len(numbers), done=len(numbers) - len(missing)) as done:
        for _ in spread(keep, some):
            done()
    return window


def _keep(picture: Tensor, matting: Matting, paths: Sequence[Path]) -> None:
    person, hair = find_mattes(matting, picture[None].to(matting.person.device))
    person, hair = person[0].cpu(), hair[0].cpu()
    for path, image in zip(paths, (own_colours(picture, person), person, hair), strict=True):
        write_picture(path, (image * 255).round().byte().numpy())


def _kept(out: Path, number: int) -> tuple[Path, Path, Path]:
    """Paths of the picture of a frame and of its masks of the person and of hair."""
    picture, person = (picture_path(key, number, 0) for key in ("file_path", "fg_mask_path"))
    return out / picture, out / person, out / HAIR / Path(picture).name


def read_kept(out: Path, number: int) -> tuple[Tensor, Tensor, Tensor]:
    """Picture [H, W, 3] and masks [H, W] of the person and of hair, all in [0, 1]."""
    picture, person, hair = (
        torch.from_numpy(np.asarray(imageio.imread(path))).float() / 255
        for path in _kept(out, number)
    )
    return picture, person, hair


def skin_of(person: Tensor, hair: Tensor) -> Tensor:
    """[H, W] 1 where a pixel and all around it are the person and not hair."""
    inside = (person > 0.5) & (hair < 0.3)
    return torch.from_numpy(minimum_filter(inside.numpy(), 2 * AROUND + 1)).float()


def kept_with_skin(out: Path, number: int) -> tuple[Tensor, Tensor]:
    """A frame [H, W, 4]: colours, and where skin is; and the masks [H, W, 2] of person and hair."""
    picture, person, hair = read_kept(out, number)
    with_skin = torch.cat([picture, skin_of(person, hair)[..., None]], -1)
    return with_skin, torch.stack([person, hair], -1)
