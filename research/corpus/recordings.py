"""Folders of voices: their recordings, speakers, transcripts in plain lower-case words, and splits.

Two forms of transcript are read, line by line: `name: text`, as the Asterisk sound releases ship it
(`;` starts a comment, brackets hold notes), and `text (name)`, as CMU's tools and LibriVox test
sets have it.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio2mesh.data.phones import Phone
from audio2mesh.sound import SAMPLE_RATE
from common.errors import InputError

FILE_NAME = "transcripts.txt"

_NOTE = re.compile(r"\[(.*?)\]|\((.*?)\)")
_KEYS = {"#": " pound ", "*": " star "}  # as telephone prompts read them
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def read_transcripts(path: Path) -> dict[str, str]:
    """The plain words of a transcript file, by the recording's name without suffix.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is not text, or a line has neither form.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not a text file; save the transcripts as UTF-8") from None
    entries = [
        _split(path, number, line.strip())
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith(";")
    ]
    return {name: words for name, text in entries if (words := spoken_words(text))}


def _split(path: Path, number: int, line: str) -> tuple[str, str]:
    """One line → (name without suffix, text)."""
    if match := re.fullmatch(r"(\S+?)(?:\.wav)?:\s*(.*)", line):
        return match[1], match[2]
    if match := re.fullmatch(r"(.*?)\s*\(([^\s()]+)\)", line):
        return match[2], match[1]
    raise InputError(
        f"{path}: line {number} is neither `name: text` nor `text (name)`; mend or remove it"
    )


def spoken_words(text: str) -> str:
    """Plain words of a transcript's text, or nothing where it describes more than plain speech.

    A note of one character only shows how a word is written; a longer one tells of a tone, a cry or
    silence, which no words align with. Numbers above 99 have several readings, so they count as no
    plain speech either.
    """
    text = re.sub(r"</?s>", " ", text)
    if any(len(note[1] or note[2] or "") > 1 for note in _NOTE.finditer(text)):
        return ""
    text = _NOTE.sub(" ", text)
    if re.search(r"\d{3,}", text):
        return ""
    text = re.sub(r"\b([A-Z])\.(?=[A-Z\d])", r"\1 ", text)  # H.323 and the like
    for key, word in _KEYS.items():
        text = text.replace(key, word)
    text = re.sub(r"(?<=\w)\.(?=\w)", " dot ", text)  # www.asterisk.org
    text = re.sub(r"\b[A-Z]{2,5}\b|\bwww\b", _spelled_if_unspeakable, text)
    text = re.sub(r"\d+", lambda match: f" {_number(int(match[0]))} ", text)
    return " ".join(re.findall(r"[a-z]+(?:'[a-z]+)*", text.lower()))


def _spelled_if_unspeakable(match: re.Match[str]) -> str:
    """An abbreviation without a vowel is read letter by letter."""
    return match[0] if set(match[0]) & set("AEOU") else " ".join(match[0])


def _number(value: int) -> str:
    """0 to 99 in words."""
    if value < 20:
        return _ONES[value]
    return " ".join([_TENS[value // 10 - 2], *([_ONES[value % 10]] if value % 10 else [])])


SUFFIXES = frozenset({".flac", ".wav", ".mp3", ".ogg", ".opus", ".m4a", ".g722"})


@dataclass(frozen=True)
class Utterance:
    """A recording with its phones."""

    name: str
    audio: np.ndarray  # [S] float32 at 16 kHz
    phones: tuple[Phone, ...]  # in seconds of the audio

    @property
    def seconds(self) -> float:
        return len(self.audio) / SAMPLE_RATE


@dataclass(frozen=True)
class VoiceFolder:
    """All recordings of one speaker."""

    name: str
    recordings: dict[str, Path]  # by name: the path within the folder, without suffix
    transcripts: dict[str, str] | None  # by name; None where nobody wrote down what is said


def find_voices(folder: Path) -> list[VoiceFolder]:
    """Every folder inside `folder` that holds recordings is a voice, named like the folder.

    A file `transcripts.txt` in it says what its recordings say, in English.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: no folder in it holds recordings, or the transcripts name none of them.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; name one that holds a folder per voice")
    voices = [_voice(path) for path in sorted(folder.iterdir()) if path.is_dir()]
    voices = [voice for voice in voices if voice.recordings]
    if not voices:
        raise InputError(
            f"{folder}: holds no voices; put the recordings of each in a folder of its own"
        )
    return voices


def _voice(folder: Path) -> VoiceFolder:
    walk = os.walk(folder, followlinks=True)
    recordings = {
        str(path.relative_to(folder).with_suffix("")): path
        for path in sorted(Path(at) / name for at, _, names in walk for name in names)
        if path.suffix.lower() in SUFFIXES
    }
    listed = folder / FILE_NAME
    transcripts = read_transcripts(listed) if listed.exists() else None
    if recordings and transcripts is not None and not recordings.keys() & transcripts.keys():
        raise InputError(
            f"{listed}: names none of the recordings beside it; write their names without suffix"
        )
    return VoiceFolder(folder.name, recordings, transcripts)


def is_held_out(voice: str, recording: str, share: float) -> bool:
    """Whether a recording is kept for tests: by its name alone, so that it stays so for ever."""
    digest = hashlib.sha256(f"{voice}/{recording}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
