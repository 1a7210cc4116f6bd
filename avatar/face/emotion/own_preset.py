"""A feeling of the user's own: units in a JSON, or one frame of a Live Link Face CSV."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from avatar.arkit import WEIGHTS, read_take
from avatar.face.emotion.presets import OWN, Emotion
from common.errors import InputError, check_file
from common.json_files import read_json

LEAST = 0.01  # a smaller weight of a recorded frame is none
_FRAME = re.compile(r"(.+\.csv)(?:@(\d+(?:\.\d*)?)s?)?", re.IGNORECASE)


def is_own_preset(name: str) -> bool:
    """Whether a word of `--emotion` names a file of a preset."""
    return name.lower().endswith(".json") or _FRAME.fullmatch(name) is not None


def read_own_preset(folder: Path, name: str) -> Emotion:
    """`mine.json` with units and weights, or `take.csv@1.5s`: a frame of a take, by default its
    strongest. Raises InputError or FileNotFoundError in one sentence."""
    frame = _FRAME.fullmatch(name)
    if frame is None:
        return Emotion(_units_of_json(folder / name), OWN)
    return Emotion(_units_of_frame(folder / frame[1], frame[2]), OWN)


def _units_of_json(path: Path) -> Mapping[str, float]:
    check_file(path)
    units = read_json(path)
    if not isinstance(units, dict) or not units:
        raise InputError(f'{path}: must hold units and weights, such as {{"mouthSmileLeft": 0.5}}')
    for unit, weight in units.items():
        if unit not in WEIGHTS:
            raise InputError(f"{path}: {unit!r} is none of the {len(WEIGHTS)} ARKit units")
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not 0 <= weight <= 1:
            raise InputError(f"{path}: {unit} is {weight!r}; weights are numbers from 0 to 1")
    return {unit: float(weight) for unit, weight in units.items()}


def _units_of_frame(path: Path, seconds: str | None) -> Mapping[str, float]:
    take = read_take(path)
    if seconds is None:
        row = int(take.weights.sum(1).argmax())
    elif float(seconds) > take.seconds:
        raise InputError(f"{path}: lasts {take.seconds:.2f} s; {seconds} s lies beyond its end")
    else:
        row = int(np.abs(take.times - float(seconds)).argmin())
    named = zip(WEIGHTS, take.weights[row].tolist(), strict=True)
    return {unit: weight for unit, weight in named if weight >= LEAST}
