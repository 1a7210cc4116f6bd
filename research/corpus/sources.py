"""Where recordings with phones come from: alignment, synthetic voices, recognition."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audio2mesh.model.encoder import SpeechEncoder
from audio2mesh.sound.waveform import load_audio
from common.progress import Report
from research.corpus.align import align, implausible
from research.corpus.join import with_pauses
from research.corpus.recognise import PhoneNet, is_speech, recognise
from research.corpus.recordings import Utterance, VoiceFolder
from research.corpus.synthetic import SyntheticVoice, available_voices, speak

_SHORTEST_TEXT = 12  # letters of a text that a synthetic voice reads
_TOGETHER = 20  # recordings that the recogniser hears in one go
_LONGEST_TEXT = 250  # a program must say it within its time limit

_MINUTES = 4.0  # that each synthetic voice reads
_EMPTY = "empty file"

Found = tuple[list[Utterance], dict[str, int]]
"""Recordings with phones, and how many were dropped by reason."""


@dataclass(frozen=True)
class Source:
    """One voice of the corpus."""

    voice: str
    inputs: Any  # what `find` depends on, as JSON can hold it
    find: Callable[[Report], Found]


def aligned_source(voice: VoiceFolder, names: Sequence[str]) -> Source:
    """Those of a voice's recordings, by forced alignment with their transcripts."""
    assert voice.transcripts is not None
    texts = voice.transcripts
    inputs = [[name, texts.get(name), voice.recordings[name].stat().st_size] for name in names]

    def find(report: Report) -> Found:
        outcomes: list[Utterance | str] = []
        for done, name in enumerate(names):
            report(done, len(names))
            outcomes.append(_aligned(voice, name, texts.get(name)))
        return _sorted_out(outcomes)

    return Source(voice.name, ["aligned", inputs], find)


def _aligned(voice: VoiceFolder, name: str, text: str | None) -> Utterance | str:
    """A recording with its phones, or why there are none."""
    if text is None:
        return "without plain text"
    if _is_empty(voice.recordings[name]):
        return _EMPTY
    audio = load_audio(voice.recordings[name])
    alignment = align(audio, text)
    if alignment is None:
        return "not aligned"
    if why := implausible(alignment):
        return why
    return Utterance(name, audio, with_pauses(alignment.phones, audio))


def recognised_source(
    voice: VoiceFolder, encoder: SpeechEncoder, net: PhoneNet, record: str
) -> Source:
    """All recordings of a voice, by the recogniser that `record` describes."""
    inputs = [[name, path.stat().st_size] for name, path in voice.recordings.items()]

    def find(report: Report) -> Found:
        names = [name for name, path in voice.recordings.items() if not _is_empty(path)]
        outcomes: list[Utterance | str] = [_EMPTY] * (len(voice.recordings) - len(names))
        for first in range(0, len(names), _TOGETHER):
            report(first, len(names))
            together = names[first : first + _TOGETHER]
            sounds = [load_audio(voice.recordings[name]) for name in together]
            for name, audio, heard in zip(
                together, sounds, recognise(encoder, net, sounds), strict=True
            ):
                clear = is_speech(heard)
                outcomes.append(
                    Utterance(name, audio, heard.phones) if clear else "no clear speech"
                )
        return _sorted_out(outcomes)

    return Source(voice.name, ["recognised", inputs, record], find)


def synthetic_sources(texts: Sequence[str], seed: int) -> list[Source]:
    """Every synthetic voice that is installed, reading the texts in an order of its own."""
    sentences = sorted({t for t in texts if _SHORTEST_TEXT <= len(t) <= _LONGEST_TEXT})
    return [
        _synthetic_source(voice, sentences, [seed, number])
        for number, voice in enumerate(available_voices())
        if sentences
    ]


def _synthetic_source(voice: SyntheticVoice, sentences: list[str], seed: list[int]) -> Source:
    def find(report: Report) -> Found:
        spoken: list[Utterance] = []
        seconds = 0.0
        for index in np.random.default_rng(seed).permutation(len(sentences)):
            report(int(min(seconds, 60 * _MINUTES)), int(60 * _MINUTES))
            if seconds >= 60 * _MINUTES:
                break
            spoken.append(speak(voice, str(index), sentences[index]))
            seconds += spoken[-1].seconds
        return spoken, {}

    return Source(voice.name, ["synthetic", sentences, _MINUTES, seed], find)


def _is_empty(path: Path) -> bool:
    """Some public sets of recordings hold files without a single byte."""
    return path.stat().st_size == 0


def _sorted_out(outcomes: Sequence[Utterance | str]) -> Found:
    spoken = [outcome for outcome in outcomes if isinstance(outcome, Utterance)]
    return spoken, dict(Counter(outcome for outcome in outcomes if isinstance(outcome, str)))
