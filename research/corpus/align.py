"""Forced alignment: a recording and its English words → phones with times.

PocketSphinx aligns words first and then the phones within them; its acoustic model and the CMU
dictionary come with the package, which only this file imports. Words that the dictionary lacks are
composed of known ones, and alignments that cannot be right are rejected.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from audio2mesh.data.phones import PHONES, SILENCE, Phone
from audio2mesh.sound import SAMPLE_RATE
from common.errors import InputError
from research.corpus.join import cut

if TYPE_CHECKING:
    from pocketsphinx import Decoder


_SHORTEST_PART = 2
_SHORTEST_MISSPELT = 7  # shorter words have too many neighbours


def nearest_spelling(word: str, known: frozenset[str]) -> tuple[str, ...] | None:
    """The word itself, two words that make it up, or a misspelt one's only near neighbour."""
    if word in known:
        return (word,)
    return _two_parts(word, known) or _corrected(word, known)


def _two_parts(word: str, known: frozenset[str]) -> tuple[str, ...] | None:
    """The split whose shorter part is longest."""
    cuts = range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
    splits = [(word[:cut], word[cut:]) for cut in cuts]
    whole = [parts for parts in splits if known.issuperset(parts)]
    return max(whole, key=lambda parts: min(map(len, parts)), default=None)


def _corrected(word: str, known: frozenset[str]) -> tuple[str, ...] | None:
    if len(word) < _SHORTEST_MISSPELT:
        return None
    same_start = [other for other in known if other[:2] == word[:2]]
    return tuple(get_close_matches(word, same_start, n=1, cutoff=0.9)) or None


FRAME = 0.01
"""Seconds from one frame of the aligner to the next."""

_FIRST_CENTRE = 0.0128  # seconds; the first frame sees 25.6 ms
_BEAMS = (1e-48, 1e-100)  # the wider one is for recordings that the usual one loses
_FULL_SCALE = 32767
_MOST_WAYS = 5  # pronunciations of a word in the dictionary
_QUIET = 0.25  # seconds of silence without which who speaks at once is not understood


@dataclass(frozen=True)
class Alignment:
    phones: tuple[Phone, ...]  # one after the other without gaps, from 0 to the recording's end
    scores: tuple[float, ...]  # of each phone: mean log-likelihood per frame, at most about -5


def align(audio: np.ndarray, text: str) -> Alignment | None:
    """Times of every phone of `text`, words between single spaces, in audio [S] at 16 kHz.

    None where a word has no pronunciation or the words do not fit the recording at all.
    """
    words = pronounceable(text)
    if words is None or len(audio) < FRAME * SAMPLE_RATE * 10:
        return None
    found = (_align(_decoder(beam), audio, words) for beam in _BEAMS)
    return next(filter(None, found), None)


def phones_between_silence(audio: np.ndarray, text: str) -> tuple[Phone, ...] | None:
    """Phones of `text` in audio [S] at 16 kHz that may begin and end amid speech; None as `align`.

    It is aligned between silences of its own, which the phones' times do not count.
    """
    found = align(np.pad(audio, round(_QUIET * SAMPLE_RATE)), text)
    return found and cut(found.phones, _QUIET, _QUIET + len(audio) / SAMPLE_RATE)


def _align(decoder: "Decoder", audio: np.ndarray, words: list[str]) -> Alignment | None:
    decoder.set_align_text(" ".join(words))
    if not _hear(decoder, audio) or decoder.hyp() is None:
        return None
    decoder.set_alignment()
    if not _hear(decoder, audio):  # asking this search for its hypothesis crashes PocketSphinx
        return None
    return _read(decoder, len(audio) / SAMPLE_RATE)


def pronounceable(text: str) -> list[str] | None:
    """The words as the dictionary spells them, or None where one cannot be found in it."""
    found = [nearest_spelling(word, _dictionary()) for word in text.split()]
    if not found or any(spelling is None for spelling in found):
        return None
    return [word for spelling in found for word in spelling or ()]


def _hear(decoder: "Decoder", audio: np.ndarray) -> bool:
    pcm = (np.clip(audio, -1, 1) * _FULL_SCALE).astype("<i2").tobytes()
    decoder.start_utt()
    try:
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
    except RuntimeError:  # no path through the words
        return False
    return True


def _read(decoder: "Decoder", seconds: float) -> Alignment | None:
    """What the decoder found; its entries are valid only while `alignment` is held and read."""
    alignment = decoder.get_alignment()
    phones: list[tuple[str, int]] = []  # label, first frame
    scores: list[float] = []
    said = False
    for word in alignment:
        said |= not word.name.startswith("<")
        for phone in word:
            label = phone.name if phone.name in PHONES else SILENCE
            phones.append((label, phone.start))
            scores.append(phone.score / max(1, phone.duration))
    if not said:
        return None
    starts = [0.0, *(_boundary(first) for _, first in phones[1:])]
    ends = [*starts[1:], seconds]
    return Alignment(
        tuple(Phone(p[0], a, b) for p, a, b in zip(phones, starts, ends, strict=True)),
        tuple(scores),
    )


def _boundary(frame: int) -> float:
    """Seconds at which a frame's successor begins to weigh more: half-way between two centres."""
    return frame * FRAME + _FIRST_CENTRE - FRAME / 2


def pronunciations(word: str) -> list[tuple[str, ...]]:
    """The ways in which the dictionary has a word spoken; none where it lacks it."""
    spellings = [word, *(f"{word}({number})" for number in range(2, _MOST_WAYS + 1))]
    found = [_decoder(_BEAMS[0]).lookup_word(spelling) for spelling in spellings]
    return [tuple(phones.split()) for phones in found if phones]


@cache
def _decoder(beam: float) -> "Decoder":
    return _library().Decoder(lm=None, loglevel="FATAL", beam=beam, pbeam=beam, wbeam=beam**0.6)


@cache
def _dictionary() -> frozenset[str]:
    path = Path(str(_library().get_model_path("en-us"))) / "cmudict-en-us.dict"
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line.split()[0].split("(")[0] for line in lines if line.strip())


def _library() -> ModuleType:
    try:
        return import_module("pocketsphinx")
    except ImportError:
        raise InputError(
            "aligning transcripts needs the package pocketsphinx, which is not installed; run"
            " pip install 'voicesplat[corpus]'"
        ) from None


LOWEST_SCORE = -25.0
"""Mean log-likelihood per frame over all phones."""
LOWEST_STRETCH = -60.0
"""The same over the worst six phones in a row."""
LARGEST_SHORT_SHARE = 0.34
"""Share of phones as short as the aligner can make them, 30 ms."""
LONGEST_PHONE = 0.8
"""Seconds."""
RATES = (1.5, 20.0)
"""Phones per second of speech."""

_SHORT = 0.035
_STRETCH = 6


def implausible(alignment: Alignment) -> str | None:
    """What shows that the words do not fit the recording, or None."""
    spoken = [
        (phone.end - phone.start, score)
        for phone, score in zip(alignment.phones, alignment.scores, strict=True)
        if phone.label != SILENCE
    ]
    lengths, scores = np.array(spoken).T
    if np.average(scores, weights=lengths) < LOWEST_SCORE or _worst(scores) < LOWEST_STRETCH:
        return "the words do not sound like the recording"
    if (lengths < _SHORT).mean() >= LARGEST_SHORT_SHARE or lengths.max() > LONGEST_PHONE:
        return "phones of impossible length"
    if not RATES[0] <= len(lengths) / lengths.sum() <= RATES[1]:
        return "more or less text than the recording has time for"
    return None


def _worst(scores: np.ndarray) -> float:
    width = min(_STRETCH, len(scores))
    return float(np.convolve(scores, np.ones(width) / width, "valid").min())
