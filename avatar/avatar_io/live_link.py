"""Live Link Face's CSV: a row of 52 ARKit weights and 9 angles for each frame.

Columns are found by their names, whatever their order and capitals. `Timecode` is HH:MM:SS:FF with
an optional fraction of a frame (.mmm); the frame rate is not written down. Angles are in radians:
positive yaw turns the head to the subject's left, positive pitch turns it up, positive roll tips
its top to the subject's right. In a row with no face the app writes the count 0.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.vectors import Floats, Ints
from avatar.heads.arkit import WEIGHTS, eye_angles
from common.atomic import write_beside
from common.errors import InputError, check_file

HEAD_ANGLES = ("headYaw", "headPitch", "headRoll")
EYE_ANGLES = tuple(
    f"{eye}Eye{turn}" for eye in ("left", "right") for turn in ("Yaw", "Pitch", "Roll")
)

RATES = (24, 25, 30, 48, 50, 60, 90, 100, 120, 240)
"""Frames per second that timecodes count in."""
DEFAULT_RATE = 60
SLACK = 0.5  # by which a calibrated weight may leave [0, 1] before it is no weight
DAY = 24 * 3600.0  # seconds

_TIMECODE = re.compile(r"(\d+):(\d\d):(\d\d)[:;](\d+)(\.\d+)?")


@dataclass(frozen=True)
class Take:
    """A recorded performance of one face."""

    times: Floats  # [n] seconds from the first row, increasing
    weights: Floats  # [n, 52] in [0, 1], in the order of WEIGHTS
    head: Floats  # [n, 3] radians: yaw, pitch, roll

    @property
    def frame_seconds(self) -> float:
        """How long one row lasts."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 1 / DEFAULT_RATE

    @property
    def seconds(self) -> float:
        return float(self.times[-1]) + self.frame_seconds


def read_take(path: Path) -> Take:
    """Read and check a CSV.

    Raises FileNotFoundError, or InputError that names the file, the line and what is wrong there.
    """
    check_file(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            names = [cell.strip().lower() for cell in next(reader, [])]
            columns = _columns(path, names)
            rows = list(_rows(path, reader, columns, len(names)))
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: is no CSV of text; export the take as CSV") from None
    if not rows:
        raise InputError(f"{path}: holds no frame with a face; export a take that has some")
    lines, whole, frames, numbers = map(np.array, zip(*rows, strict=True))
    weights, angles = np.split(numbers.astype(np.float32), [len(WEIGHTS)], axis=1)
    return Take(_times(path, lines, whole, frames), np.clip(weights, 0.0, 1.0), angles)


def _columns(path: Path, names: list[str]) -> list[int]:
    """Columns of the timecode, the weights and the head's angles; -1 for an angle not there."""
    if not any(names):
        raise InputError(f"{path}: is empty; export a take as CSV")
    for name in ("timecode", *WEIGHTS):
        if name.lower() not in names:
            raise InputError(
                f"{path}: line 1 has no column {_title(name)}; a Live Link Face CSV has Timecode "
                f"and the {len(WEIGHTS)} ARKit weights"
            )
    wanted = ("timecode", *WEIGHTS, *HEAD_ANGLES)
    return [names.index(name.lower()) if name.lower() in names else -1 for name in wanted]


def _rows(
    path: Path, reader: Iterator[list[str]], columns: list[int], width: int
) -> Iterator[tuple[int, int, float, list[float]]]:
    """Of each frame with a face: line, whole seconds of the timecode and frames within them, and
    the weights and the head's angles."""
    for line, cells in enumerate(reader, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{path}: line {line}"
        whole, frame = _timecode(where, cells[min(columns[0], len(cells) - 1)])
        if _no_face(cells):
            continue
        if len(cells) < width:
            raise InputError(f"{where} has {len(cells)} cells, but line 1 names {width} columns")
        yield line, whole, frame, _numbers(where, cells, columns[1:])


def _no_face(cells: list[str]) -> bool:
    return len(cells) >= 2 and cells[1].strip() == "0" and not any(cells[2:])


def _timecode(where: str, text: str) -> tuple[int, float]:
    """Whole seconds, and frames with their fraction."""
    match = _TIMECODE.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{where}: Timecode {text.strip()!r} is not of the form HH:MM:SS:FF.mmm")
    hours, minutes, seconds, frame = (int(match[group]) for group in range(1, 5))
    return hours * 3600 + minutes * 60 + seconds, frame + float(match[5] or 0)


def _numbers(where: str, cells: list[str], columns: list[int]) -> list[float]:
    """The weights and the head's angles of one row."""
    numbers = []
    for name, column in zip((*WEIGHTS, *HEAD_ANGLES), columns, strict=True):
        text = cells[column].strip() if column >= 0 else "0"
        try:
            number = float(text)
        except ValueError:
            raise InputError(f"{where}: {_title(name)} is {text!r}, not a number") from None
        if name in HEAD_ANGLES:
            if not abs(number) <= np.pi:
                raise InputError(f"{where}: {_title(name)} is {text}; angles are in radians")
        elif not -SLACK <= number <= 1 + SLACK:
            raise InputError(f"{where}: {_title(name)} is {text}; weights lie between 0 and 1")
        numbers.append(number)
    return numbers


def _times(path: Path, lines: Ints, whole: Ints, frames: Floats) -> Floats:
    """Seconds [n] from the first row; midnight may be between two rows."""
    times = whole + frames / timecode_rate(whole, frames)
    times += DAY * np.cumsum(np.diff(times, prepend=times[0]) < -DAY / 2)
    back = np.flatnonzero(np.diff(times) <= 0)
    if len(back):
        line = lines[back[0] + 1]
        raise InputError(
            f"{path}: line {line} is not later than the line before; put rows in order"
        )
    return times - times[0]


def timecode_rate(whole: Ints, frame: Floats) -> int:
    """Frames per second of timecodes: whole seconds [n] and frames within them [n].

    The rate of the highest frame number, or the app's own 60 where no new second ever begins.
    """
    if len(np.unique(whole)) < 2:
        return max(DEFAULT_RATE, int(frame.max()) + 1)
    highest = int(frame.max()) + 1
    return next((rate for rate in RATES if rate >= highest), highest)


def write_take(path: Path, weights: Floats, head: Floats, fps: float) -> None:
    """Write weights [F, 52] in the order of WEIGHTS and head angles [F, 3] in radians.

    The eyes' angles are those that the weights turn the eyes of anny-head by. A take of less than
    a second begins with the last frame of one, so that its timecodes show their rate. The file
    appears whole.
    """
    assert weights.shape == (len(head), len(WEIGHTS))
    angles = np.concatenate([head, eye_angles(weights)], axis=1)
    names = ("Timecode", "BlendshapeCount", *map(_title, (*WEIGHTS, *HEAD_ANGLES, *EYE_ANGLES)))
    rate = next((rate for rate in RATES if rate >= fps), round(fps))
    start = (rate - 1) / rate if len(head) <= fps else 0.0
    with write_beside(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for index, row in enumerate(np.concatenate([weights, angles], axis=1)):
            numbers = (f"{number:.8f}" for number in row)
            writer.writerow((timecode(start + index / fps, rate), len(names) - 2, *numbers))


def timecode(seconds: float, rate: int) -> str:
    """HH:MM:SS:FF.mmm at `rate` frames per second."""
    thousandths = round(seconds * rate * 1000)
    whole, rest = divmod(thousandths, rate * 1000)
    frame, fraction = divmod(rest, 1000)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour % 24:02d}:{minute:02d}:{second:02d}:{frame:02d}.{fraction:03d}"


def _title(name: str) -> str:
    return name[0].upper() + name[1:]


def take_frames(take: Take, fps: float) -> int:
    """How many frames of a film the take fills, at least one."""
    return max(1, round(take.seconds * fps))


def sample_take(take: Take, fps: float) -> tuple[Tensor, Tensor]:
    """Weights [F, 52] and head angles [F, 3] at the middle of each frame, linear in between."""
    middles = (np.arange(take_frames(take, fps)) + 0.5) / fps
    known = take.times + take.frame_seconds / 2
    columns = np.concatenate([take.weights, take.head], axis=1).T
    sampled = np.stack([np.interp(middles, known, column) for column in columns], axis=1)
    both = torch.from_numpy(sampled).float()
    return both[:, : take.weights.shape[1]], both[:, take.weights.shape[1] :]
