"""What is felt when: from the words of a command line, or from a file."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from avatar.face.emotion.own_preset import is_own_preset, read_own_preset
from avatar.face.emotion.presets import EMOTIONS, NEUTRAL, Emotion
from common.errors import InputError, check_file

AUTO = "auto"
TIMELINE_SUFFIX = ".txt"
_SPAN = re.compile(r"(\d+(?:\.\d*)?)\s*-\s*(\d+(?:\.\d*)?)?")


@dataclass(frozen=True)
class Felt:
    """One feeling in a stretch of time."""

    emotion: Emotion
    strength: float  # in [0, 1]
    start: float  # seconds
    end: float  # seconds; math.inf: to the end


Feelings = tuple[Felt, ...]


@dataclass(frozen=True)
class Auto:
    """In place of feelings: what the sound of the voice suggests."""

    intensity: float  # of all of it, in [0, 1]


def parse_feelings(words: str, intensity: float = 1.0) -> Feelings:
    """`happy`, `happy:0.4,surprise:0.3`, a preset's file in place of a name, or a timeline's file.

    intensity: of all of it, in [0, 1]. Raises InputError or FileNotFoundError in one sentence.
    """
    if not 0 <= intensity <= 1:
        raise InputError(f"--intensity {intensity:g}: must be from 0 to 1")
    if words.lower().endswith(TIMELINE_SUFFIX):
        return tuple(_of_file(Path(words), intensity))
    return _mixed(words, intensity, 0.0, math.inf, Path())


def read_emotion(words: str | None, intensity: float, spoken: bool) -> Feelings | Auto:
    """What `--emotion` and `--intensity` mean; spoken: whether a voice moves the lips. Raises as
    parse_feelings does, and InputError where they have nothing to do."""
    if words is None and intensity == 1:
        return ()
    if words is None:
        raise InputError("--intensity: has nothing to do without --emotion; leave it out")
    if not spoken:
        raise InputError("--emotion: is for a voice of --audio that moves the lips; leave it out")
    feelings = parse_feelings(NEUTRAL if words == AUTO else words, intensity)
    return Auto(intensity) if words == AUTO else feelings


def _mixed(words: str, intensity: float, start: float, end: float, folder: Path) -> Feelings:
    """A mixture in one stretch; files lie in a folder."""
    parts = [_part(word.strip(), folder) for word in words.split(",")]
    return tuple(Felt(emotion, share * intensity, start, end) for emotion, share in parts)


def _part(word: str, folder: Path) -> tuple[Emotion, float]:
    """The emotion and the share of `happy` or `happy:0.4`."""
    name, colon, share = word.rpartition(":")
    if not colon or not _is_number(share):
        name, share = word, "1"
    if not 0 <= float(share) <= 1:
        raise InputError(f"{word}: the share of a feeling must be from 0 to 1")
    if is_own_preset(name):
        return read_own_preset(folder, name), float(share)
    if name not in EMOTIONS:
        raise InputError(
            f"{name!r} is no feeling; known: {', '.join(EMOTIONS)}, or a file: a preset's .json, "
            "a Live Link .csv or a timeline's .txt"
        )
    return EMOTIONS[name], float(share)


def _of_file(path: Path, intensity: float) -> Iterator[Felt]:
    """The feelings of a timeline: lines such as `3-7 angry 0.8`."""
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
                "before ends; put lines in order, and mix feelings with a comma"
            )
        reached, found = end, True
        yield from _line(where, words[1:], intensity, start, end, path.parent)
    if not found:
        raise InputError(f"{path}: is empty; write lines such as 3-7 angry 0.8")


def _line(
    where: str, words: list[str], intensity: float, start: float, end: float, folder: Path
) -> Feelings:
    """The feelings of one line after its times."""
    strength = float(words[1]) if len(words) == 2 and _is_number(words[1]) else 1.0
    if len(words) not in (1, 2) or (len(words) == 2 and not _is_number(words[1])):
        raise InputError(f"{where} is not of the form 3-7 angry 0.8: times, feelings, strength")
    if not 0 <= strength <= 1:
        raise InputError(f"{where}: the strength {strength:g} must be from 0 to 1")
    try:
        return _mixed(words[0], intensity * strength, start, end, folder)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


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
