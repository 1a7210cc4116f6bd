"""Recordings without a transcript → phones with times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from audio2mesh.corpus.features import MARGIN, RATE, encode_windows, recording_windows
from audio2mesh.corpus.join import levelled
from audio2mesh.corpus.pauses import with_pauses
from audio2mesh.corpus.recogniser import PhoneNet
from audio2mesh.data.phones import PHONES, SILENCE, Phone
from audio2mesh.model.encoder import SpeechEncoder
from audio2mesh.sound import SAMPLE_RATE

DECODING_RATE = 100
"""Steps per second of the decoded phones."""

_STEP = SAMPLE_RATE // DECODING_RATE  # samples
_GAP = 0.4  # seconds between recordings that are heard one after the other
_SHORTEST = 3  # decoding steps that a phone lasts at least
_CHANGE = 2.5  # nats that a new phone costs
_FEWEST_PHONES = 2
_LEAST_CERTAINTY = -1.0


@dataclass(frozen=True)
class Heard:
    phones: tuple[Phone, ...]  # one after the other without gaps
    certainty: float  # mean log-probability of the phones that are no silence; 0 without any


def recognise(
    encoder: SpeechEncoder, net: PhoneNet, recordings: Sequence[np.ndarray]
) -> list[Heard]:
    """Phones of each recording [S] at 16 kHz; they are heard one after the other."""
    spans, whole = _laid_out(recordings)
    fine = _refined(phone_scores(encoder, net, whole), len(whole) // _STEP)
    return [
        _decoded(fine[start : start + max(1, len(audio) // _STEP)], audio)
        for start, audio in zip(spans, recordings, strict=True)
    ]


def _laid_out(recordings: Sequence[np.ndarray]) -> tuple[list[int], np.ndarray]:
    """The decoding steps at which recordings begin, and all of them at one level with pauses."""
    gap = np.zeros(round(_GAP * DECODING_RATE) * _STEP, np.float32)
    parts, starts = [gap], []
    for audio in recordings:
        starts.append(sum(map(len, parts)) // _STEP)
        parts += [levelled(audio), np.zeros(-len(audio) % _STEP, np.float32), gap]
    return starts, np.concatenate(parts)


def _decoded(scores: NDArray[np.float64], audio: np.ndarray) -> Heard:
    path = best_path(scores, _SHORTEST, _CHANGE)
    spoken = path != PHONES.index(SILENCE)
    chosen = scores[np.arange(len(path)), path][spoken]
    phones = with_pauses(_runs(path, len(audio) / SAMPLE_RATE), audio)
    return Heard(phones, float(chosen.mean()) if len(chosen) else 0.0)


def is_speech(heard: Heard) -> bool:
    """False for tones, noises and silence."""
    spoken = [phone for phone in heard.phones if phone.label != SILENCE]
    return len(spoken) >= _FEWEST_PHONES and heard.certainty > _LEAST_CERTAINTY


@torch.no_grad()
def phone_scores(encoder: SpeechEncoder, net: PhoneNet, audio: np.ndarray) -> NDArray[np.float32]:
    """Log-probabilities [T, P] at 50 steps per second."""
    features = encode_windows(encoder, recording_windows(audio))  # [W, T, C]
    scores = net(features.to(net.mean.device).float()).log_softmax(-1).cpu()
    margin = round(MARGIN * RATE)
    return scores[:, margin:-margin].flatten(0, 1)[: -(-len(audio) * RATE // SAMPLE_RATE)].numpy()


def _refined(scores: NDArray[np.float32], count: int) -> NDArray[np.float64]:
    """Scores [T, P] at 50 steps per second, linearly at `count` steps of the decoding rate."""
    at = np.clip((np.arange(count) + 0.5) / DECODING_RATE * RATE - 0.5, 0, len(scores) - 1)
    low = np.minimum(at.astype(int), max(0, len(scores) - 2))
    high = np.minimum(low + 1, len(scores) - 1)
    weight = (at - low)[:, None]
    return (1 - weight) * scores[low] + weight * scores[high]


def best_path(scores: NDArray[np.floating], shortest: int, change: float) -> NDArray[np.int64]:
    """Viterbi's best sequence of classes [T], each lasting at least `shortest` steps.

    Args:
        scores: [T, P] log-probabilities.
        change: what a step from one class to another costs.
    """
    count, classes = scores.shape
    if count == 0:
        return np.zeros(0, np.int64)
    total = np.concatenate([np.zeros((1, classes)), np.cumsum(scores, axis=0)])  # [T + 1, P]
    best = np.full((count + 1, classes), -np.inf)  # paths that end with step t - 1 in class p
    begun = np.zeros((count + 1, classes), np.int64)  # where the last stretch of that path begins
    before = np.zeros(count + 1, np.int64)  # class in which the best path to t ends
    for t in range(1, count + 1):
        stay = best[t - 1] + scores[t - 1]
        first = max(0, t - shortest)
        enter_score = 0.0 if first == 0 else best[first].max() - change
        new = total[t] - total[first] + enter_score
        if t < shortest < count:
            new = np.full(classes, -np.inf)
        longer = stay >= new
        best[t] = np.where(longer, stay, new)
        begun[t] = np.where(longer, begun[t - 1], first)
        before[t] = best[t].argmax()
    return _trace(begun, before, count)


def _trace(begun: NDArray[np.int64], before: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    path = np.zeros(count, np.int64)
    end = count
    while end > 0:
        row = before[end]
        start = begun[end, row]
        path[start:end] = row
        end = start
    return path


def _runs(path: NDArray[np.int64], seconds: float) -> tuple[Phone, ...]:
    """Stretches of one class → phones that fill the recording."""
    edges = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
    times = [edge / DECODING_RATE for edge in edges[:-1]] + [seconds]
    return tuple(
        Phone(PHONES[path[edge]], start, end)
        for edge, start, end in zip(edges[:-1], times[:-1], times[1:], strict=True)
    )
