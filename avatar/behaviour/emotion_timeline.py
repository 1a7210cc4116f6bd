"""Emotion timelines: from `--emotion`, or from a timeline's file.

Users' presets are units in a JSON.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from avatar.behaviour.emotion_presets import EMOTIONS, OWN, Emotion
from avatar.heads.arkit import WEIGHTS
from common.errors import InputError, check_file, naming
from common.json_files import read_json


def _units_of_json(path: Path) -> Mapping[str, float]:
    """The weights of ARKit's units in a preset's file."""
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


TIMELINE_SUFFIX = ".txt"
_SPAN = re.compile(r"(\d+(?:\.\d*)?)\s*-\s*(\d+(?:\.\d*)?)?")


@dataclass(frozen=True)
class EmotionSegment:
    """One emotion in a span of time."""

    emotion: Emotion
    strength: float  # in [0, 1]
    start: float  # seconds
    end: float  # seconds; math.inf: to the end


EmotionTimeline = tuple[EmotionSegment, ...]


def parse_emotions(words: str, intensity: float = 1.0) -> EmotionTimeline:
    """`happy`, `happy:0.4,surprise:0.3`, a preset's file in place of a name, or a timeline's file.

    intensity: of all of it, in [0, 1]. Raises InputError or FileNotFoundError in one sentence.
    """
    if not 0 <= intensity <= 1:
        raise InputError(f"--intensity {intensity:g}: must be from 0 to 1")
    if words.lower().endswith(TIMELINE_SUFFIX):
        return tuple(_of_file(Path(words), intensity))
    return _mixed(words, intensity, 0.0, math.inf, Path())


def read_emotion(words: str | None, intensity: float, spoken: bool) -> EmotionTimeline:
    """What `--emotion` and `--intensity` mean; spoken: whether a voice moves the lips. Raises as
    parse_emotions does, and InputError where they have nothing to do."""
    if words is None and intensity == 1:
        return ()
    if words is None:
        raise InputError("--intensity: has nothing to do without --emotion; leave it out")
    if not spoken:
        raise InputError("--emotion: is for a voice of --audio that moves the lips; leave it out")
    return parse_emotions(words, intensity)


def _mixed(words: str, intensity: float, start: float, end: float, folder: Path) -> EmotionTimeline:
    """A mixture in one span; files are relative to the folder."""
    parts = [_part(word.strip(), folder) for word in words.split(",")]
    return tuple(EmotionSegment(emotion, share * intensity, start, end) for emotion, share in parts)


def _part(word: str, folder: Path) -> tuple[Emotion, float]:
    """The emotion and the share of `happy` or `happy:0.4`."""
    name, colon, share = word.rpartition(":")
    if not colon or not _is_number(share):
        name, share = word, "1"
    if not 0 <= float(share) <= 1:
        raise InputError(f"{word}: the share of an emotion must be from 0 to 1")
    if name.lower().endswith(".json"):
        return Emotion(_units_of_json(folder / name), OWN), float(share)
    if name not in EMOTIONS:
        raise InputError(
            f"{name!r} is no emotion; known: {', '.join(EMOTIONS)}, or a file: a preset's .json "
            "or a timeline's .txt"
        )
    return EMOTIONS[name], float(share)


def _of_file(path: Path, intensity: float) -> Iterator[EmotionSegment]:
    """The emotions of a timeline: lines such as `3-7 angry 0.8`."""
    check_file(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text; write lines such as 3-7 angry 0.8") from None
    reached, found = 0.0, False
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"{path}: line {number}"
        start, end = _span(where, words[0])
        if start < reached:
            raise InputError(
                f"{where} starts at {start:g} s, before {reached:g} s where the line "
                "before ends; put lines in order, and mix emotions with a comma"
            )
        reached, found = end, True
        yield from _line(where, words[1:], intensity, start, end, path.parent)
    if not found:
        raise InputError(f"{path}: is empty; write lines such as 3-7 angry 0.8")


def _line(
    where: str, words: list[str], intensity: float, start: float, end: float, folder: Path
) -> EmotionTimeline:
    """The emotions of one line after its times."""
    strength = float(words[1]) if len(words) == 2 and _is_number(words[1]) else 1.0
    if len(words) not in (1, 2) or (len(words) == 2 and not _is_number(words[1])):
        raise InputError(f"{where} is not of the form 3-7 angry 0.8: times, emotions, strength")
    if not 0 <= strength <= 1:
        raise InputError(f"{where}: the strength {strength:g} must be from 0 to 1")
    with naming(where):
        return _mixed(words[0], intensity * strength, start, end, folder)


def _span(where: str, word: str) -> tuple[float, float]:
    """Start and end in seconds of `3-7`, or of `3-`, which lasts to the end."""
    match = _SPAN.fullmatch(word)
    if match is None:
        raise InputError(f"{where}: {word!r} names no seconds, such as 3-7 or 3-")
    start, end = float(match[1]), float(match[2]) if match[2] else math.inf
    if end <= start:
        raise InputError(f"{where}: {word} ends before it starts; give the earlier time first")
    return start, end


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False
