"""Join short recordings to long ones with pauses between them, at one level; phones are shifted,
and pauses that the energy shows are added to them."""

from collections.abc import Sequence

import numpy as np
import torch

from audio2mesh.data.clips import find_pauses
from audio2mesh.data.phones import SILENCE, Phone
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.mel import normalise_level
from research.corpus.recordings import Utterance

_PAUSE = (0.25, 0.8)  # seconds between two recordings
_EDGE = 0.12  # seconds of its own silence that a recording keeps at each end
_FADE = 0.02  # seconds over which its background comes and goes


def join(name: str, parts: Sequence[Utterance], rng: np.random.Generator) -> Utterance:
    """One recording of `parts` in this order, with a pause before, between and after them."""
    audio: list[np.ndarray] = []
    phones: list[Phone] = []
    at = 0.0
    for part in [*map(trim_silence, parts), None]:
        pause = round(rng.uniform(*_PAUSE) * SAMPLE_RATE)
        audio.append(np.zeros(pause, np.float32))
        phones.append(Phone(SILENCE, at, at + pause / SAMPLE_RATE))
        at = phones[-1].end
        if part is not None:
            audio.append(_faded(levelled(part.audio)))
            phones += moved(part.phones, at)
            at += part.seconds
    return Utterance(name, np.concatenate(audio), merge_silence(phones))


def group(
    parts: Sequence[Utterance], seconds: float, rng: np.random.Generator
) -> list[list[Utterance]]:
    """Shuffled into groups of about `seconds`; the last one shares what is left with none."""
    total = sum(part.seconds + float(np.mean(_PAUSE)) for part in parts)
    count = max(1, round(total / seconds))
    groups: list[list[Utterance]] = [[] for _ in range(count)]
    lengths = np.zeros(count)
    for index in rng.permutation(len(parts)):
        shortest = int(lengths.argmin())
        groups[shortest].append(parts[index])
        lengths[shortest] += parts[index].seconds
    return [g for g in groups if g]


def trim_silence(part: Utterance) -> Utterance:
    """The recording with at most 0.12 s of silence left at each end."""
    spoken = [phone for phone in part.phones if phone.label != SILENCE]
    if not spoken:
        return part
    low = max(0.0, spoken[0].start - _EDGE)
    high = min(part.seconds, spoken[-1].end + _EDGE)
    first, last = round(low * SAMPLE_RATE), round(high * SAMPLE_RATE)
    kept = cut(part.phones, first / SAMPLE_RATE, last / SAMPLE_RATE)
    return Utterance(part.name, part.audio[first:last], kept)


def cut(phones: Sequence[Phone], start: float, end: float) -> tuple[Phone, ...]:
    """What of the phones lies in [start, end), in seconds from `start`."""
    inside = [p for p in phones if p.end > start and p.start < end]
    return tuple(
        Phone(p.label, max(p.start, start) - start, min(p.end, end) - start) for p in inside
    )


def moved(phones: Sequence[Phone], seconds: float) -> list[Phone]:
    """The phones `seconds` later."""
    return [Phone(p.label, p.start + seconds, p.end + seconds) for p in phones]


def merge_silence(phones: Sequence[Phone]) -> tuple[Phone, ...]:
    """Silences that follow each other made one."""
    merged: list[Phone] = []
    for phone in phones:
        if merged and phone.label == merged[-1].label == SILENCE:
            merged[-1] = Phone(SILENCE, merged[-1].start, phone.end)
        else:
            merged.append(phone)
    return tuple(merged)


def levelled(audio: np.ndarray) -> np.ndarray:
    """Audio [S] at the level of all joined recordings."""
    if len(audio) < SAMPLE_RATE // 50:
        return audio
    return np.clip(normalise_level(torch.from_numpy(audio)).numpy(), -1, 1)


def _faded(audio: np.ndarray) -> np.ndarray:
    length = min(round(_FADE * SAMPLE_RATE), len(audio) // 2)
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    audio = audio.copy()
    audio[:length] *= ramp
    audio[len(audio) - length :] *= ramp[::-1]
    return audio


_SHORTEST = 0.16  # seconds; a stop consonant's closure is shorter
_KEPT = 0.03  # seconds at each side of a pause inside speech that stay with the phones there


def with_pauses(phones: Sequence[Phone], audio: np.ndarray) -> tuple[Phone, ...]:
    """The phones with silence wherever audio [S] is silent for longer than any stop consonant."""
    seconds = len(audio) / SAMPLE_RATE
    for start, end in find_pauses(audio):
        low = start + _KEPT if start > 0 else 0.0
        high = end - _KEPT if end < seconds - 0.01 else seconds
        if end - start >= _SHORTEST:
            phones = _silenced(phones, low, high)
    return merge_silence(phones)


def _silenced(phones: Sequence[Phone], start: float, end: float) -> list[Phone]:
    before = [Phone(p.label, p.start, min(p.end, start)) for p in phones if p.start < start]
    after = [Phone(p.label, max(p.start, end), p.end) for p in phones if p.end > end]
    return [*before, Phone(SILENCE, start, end), *after]
