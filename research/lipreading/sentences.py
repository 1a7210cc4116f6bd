"""Sentences spoken by synthetic voices with known phone times.

A sentence's line number decides whether it belongs to training, validation or test; each of the
three has voices of its own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audio2mesh.data.phones import Phone
from common.errors import InputError
from common.progress import progress_bar
from research.corpus.recordings import spoken_words
from research.corpus.synthetic import SyntheticVoice, speak

Part = Literal["training", "validation", "test"]

VOICES: Mapping[Part, Sequence[SyntheticVoice]] = {
    "training": (
        SyntheticVoice("flite_slt", "flite", "slt"),
        SyntheticVoice("flite_kal", "flite", "kal16"),
        SyntheticVoice("flite_rms", "flite", "rms"),
    ),
    "validation": (SyntheticVoice("festival_slt", "festival", "cmu_us_slt_arctic_hts"),),
    "test": (
        SyntheticVoice("flite_awb", "flite", "awb"),
        SyntheticVoice("festival_ked", "festival", "ked_diphone"),
    ),
}
_CYCLE = 50  # lines, of which the first two are not trained on
_PARTS: Mapping[int, Part] = {0: "test", 1: "validation"}


@dataclass(frozen=True)
class Said:
    """A sentence as a voice said it."""

    text: str
    voice: str
    phones: tuple[Phone, ...]

    @property
    def seconds(self) -> float:
        return self.phones[-1].end


def read_sentences(path: Path) -> list[str]:
    """The sentences of a text file, one on a line, as plain words. InputError for other files."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not a text file; give one sentence on each line") from None
    texts = list(dict.fromkeys(words for line in lines if (words := spoken_words(line))))
    if len(texts) < _CYCLE:
        raise InputError(f"{path}: has {len(texts)} plain sentences; give {_CYCLE} or more")
    return texts


def part_of(line: int) -> Part:
    """What the sentence on a line, counted from 0, is for."""
    return _PARTS.get(line % _CYCLE, "training")


def say(texts: Sequence[str], part: Part, cache: Path) -> list[Said]:
    """The sentences of one part, each said by the next voice of that part.

    Those that lie in the folder `cache` are not said again; those that a voice cannot say are left
    out. InputError where a voice is not installed.
    """
    voices, every = VOICES[part], 1 if part == "training" else _CYCLE
    chosen = [(line // every, t) for line, t in enumerate(texts) if part_of(line) == part]
    kept = {voice.name: _Kept(cache / f"{voice.name}.jsonl") for voice in voices}
    found = []
    with progress_bar(f"saying {part} sentences", len(chosen), "sentences/s") as done:
        for number, text in chosen:
            voice = voices[number % len(voices)]
            phones = kept[voice.name].phones(voice, text)
            done()
            if phones:
                found.append(Said(text, voice.name, phones))
    return found


class _Kept:
    """What one voice has said already, a line of JSON for each sentence."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said = dict(_read(path)) if path.exists() else {}

    def phones(self, voice: SyntheticVoice, text: str) -> tuple[Phone, ...]:
        if text not in self.said:
            self.said[text] = _say(voice, text)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            row = [text, [[p.label, round(p.start, 4), round(p.end, 4)] for p in self.said[text]]]
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        return self.said[text]


def _read(path: Path) -> Iterator[tuple[str, tuple[Phone, ...]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            text, rows = json.loads(line)
            phones = tuple(Phone(str(label), float(a), float(b)) for label, a, b in rows)
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}: a line is no sentence with phones; delete it") from error
        yield text, phones


def _say(voice: SyntheticVoice, text: str) -> tuple[Phone, ...]:
    """None where the voice says a sound that is no phone known here."""
    try:
        return speak(voice, "sentence", text).phones
    except InputError:
        return ()
    except FileNotFoundError:
        raise InputError(
            f"the program {voice.program} is not installed; it says the sentences (Debian: "
            "festival festvox-us-slt-hts festvox-kdlpc16k flite)"
        ) from None
    except OSError as error:
        raise InputError(f"{voice.name} did not say {text!r}: {error}") from error
