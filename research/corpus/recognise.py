"""A phone recogniser: recordings without a transcript → phones with times, in any language.

A small temporal convolution network on the hidden states of a frozen speech encoder and the log-mel
spectrum gives the probability of every phone 50 times a second; it is trained on recordings whose
phones are known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from audio2mesh.data.phones import PHONES, SILENCE, Phone
from audio2mesh.model.encoder import SpeechEncoder
from audio2mesh.model.speech_to_motion import interpolate_steps
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.mel import MEL_BANDS, log_mel, normalise_level
from common.network_files import read_tensors, write_tensors
from research.corpus.join import levelled, with_pauses

RATE = 50
"""Steps per second."""
WINDOW = 8.0
"""Seconds that are heard at once."""
MARGIN = 1.0
"""Seconds at each end of a window that serve as context."""

_BATCH = 4


def feature_count(encoder: SpeechEncoder) -> int:
    return len(encoder.layers) * encoder.width + 2 * MEL_BANDS


@torch.no_grad()
def window_features(encoder: SpeechEncoder, audio: Tensor) -> Tensor:
    """Windows [B, S] of WINDOW seconds at 16 kHz → features [B, WINDOW * RATE, C]."""
    level = normalise_level(audio)
    states = encoder(level)  # [B, T, L, D]
    at = (torch.arange(round(WINDOW * RATE), dtype=torch.float64) + 0.5) / RATE
    heard = interpolate_steps(states, encoder.step_times(states.shape[1]), at).flatten(2)
    mel = log_mel(level).unflatten(1, (-1, 2)).flatten(2)  # two steps of 10 ms side by side
    mel = mel - mel.mean(1, keepdim=True).unflatten(2, (2, -1)).mean(2).repeat(1, 1, 2)
    return torch.cat([heard, mel.to(heard)], dim=2)


def recording_windows(audio: np.ndarray) -> Tensor:
    """A recording [S] as windows [W, S'] that overlap by two margins, silence beyond its ends."""
    hop, margin = round((WINDOW - 2 * MARGIN) * SAMPLE_RATE), round(MARGIN * SAMPLE_RATE)
    count = max(1, -(-len(audio) // hop))
    padded = np.zeros(count * hop + 2 * margin, np.float32)
    padded[margin : margin + len(audio)] = audio
    return torch.from_numpy(padded).unfold(0, round(WINDOW * SAMPLE_RATE), hop)


def encode_windows(encoder: SpeechEncoder, windows: Sequence[np.ndarray] | Tensor) -> Tensor:
    """Features [W, WINDOW * RATE, C] in half precision on the CPU, a few windows at a time."""
    stacked = windows if isinstance(windows, Tensor) else torch.from_numpy(np.stack(windows))
    parts = (part.to(encoder.device) for part in stacked.split(_BATCH))
    return torch.cat([window_features(encoder, part).half().cpu() for part in parts])


def step_labels(phones: Sequence[Phone], start: float, count: int) -> Tensor:
    """Rows in PHONES [count] at the steps from second `start` on; silence where no phone is."""
    times = start + (np.arange(count) + 0.5) / RATE
    labels = np.full(count, PHONES.index(SILENCE))
    if phones:
        starts = np.array([phone.start for phone in phones])
        rows = np.array([PHONES.index(phone.label) for phone in phones])
        at = np.searchsorted(starts, times, "right") - 1
        inside = (at >= 0) & (times < phones[-1].end)
        labels[inside] = rows[at[inside]]
    return torch.from_numpy(labels)


_WIDTH = 160
_DILATIONS = (1, 2, 4, 1)


class PhoneNet(nn.Module):
    """Features [B, T, C] → logits [B, T, P] over `PHONES`."""

    mean: Tensor  # [C]
    std: Tensor  # [C]

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))
        self.enter = nn.Linear(channels, _WIDTH)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(_WIDTH, _WIDTH, 3, padding=dilation, dilation=dilation),
                nn.GELU(),
                nn.Dropout(0.15),
                nn.Conv1d(_WIDTH, _WIDTH, 1),
            )
            for dilation in _DILATIONS
        )
        self.norms = nn.ModuleList(nn.LayerNorm(_WIDTH) for _ in _DILATIONS)
        self.leave = nn.Linear(_WIDTH, len(PHONES))

    def forward(self, features: Tensor) -> Tensor:
        standard = (features - self.mean) / self.std
        hidden = self.enter(functional.dropout(standard, 0.1, self.training))
        for norm, block in zip(self.norms, self.blocks, strict=True):
            hidden = hidden + block(norm(hidden).transpose(1, 2)).transpose(1, 2)
        return self.leave(hidden)


def save_recogniser(net: PhoneNet, path: Path, record: str) -> None:
    """Write the weights; `record` says what they were trained on."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in net.state_dict().items()}
    write_tensors(tensors, path, {"phones": " ".join(PHONES), "record": record})


def load_recogniser(path: Path, encoder: SpeechEncoder, record: str) -> PhoneNet | None:
    """What `save_recogniser` wrote, beside the encoder, or None where there is none with this
    record."""
    if not path.exists():
        return None
    tensors, metadata = read_tensors(path)
    if metadata.get("record") != record or metadata.get("phones") != " ".join(PHONES):
        return None
    net = PhoneNet(feature_count(encoder))
    net.load_state_dict(tensors)
    return net.to(encoder.device).eval()


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
    steps = np.arange(len(scores))
    at = (np.arange(count) + 0.5) / DECODING_RATE * RATE - 0.5
    return np.stack([np.interp(at, steps, column) for column in scores.T], 1)


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
