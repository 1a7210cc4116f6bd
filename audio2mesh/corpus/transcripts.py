"""Transcripts of recordings as plain lower-case words.

Two forms are read, line by line: `name: text`, as the Asterisk sound releases ship it (`;` starts a
comment, brackets hold notes), and `text (name)`, as CMU's tools and LibriVox test sets have it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Transcripts:
    texts: dict[str, str]  # by the recording's name without suffix: words between single spaces
    skipped: tuple[str, ...]  # names whose text is not plain speech


def read_transcripts(path: Path) -> Transcripts:
    """Read a transcript file.

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
    spoken = {name: spoken_words(text) for name, text in entries}
    return Transcripts(
        {name: words for name, words in spoken.items() if words},
        tuple(name for name, words in spoken.items() if not words),
    )


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
