"""Training of the phone recogniser on clips whose phones are known."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audio2mesh.corpus.features import RATE, WINDOW, encode_windows, step_labels
from audio2mesh.corpus.files import read_clip
from audio2mesh.corpus.recogniser import PhoneNet, load_recogniser, save_recogniser
from audio2mesh.corpus.recordings import Spoken
from audio2mesh.model.encoder import SpeechEncoder
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.training.augment import AugmentOptions, augment, make_noise
from common.progress import Report, progress_bar

FILE_NAME = "recogniser.safetensors"

_IGNORED = round(0.4 * RATE)  # steps at each end of a window without full context


@dataclass(frozen=True)
class RecogniserOptions:
    passes: int = 2
    """times the recordings are heard, each time augmented anew"""
    steps: int = 600
    """steps of training"""
    batch: int = 8
    """windows of 8 s per step"""
    rate: float = 2e-3
    """largest learning rate"""
    seed: int = 0
    """seed of all that is random"""


def fit_recogniser(
    encoder: SpeechEncoder, clips: Sequence[Path], options: RecogniserOptions, folder: Path
) -> tuple[PhoneNet, str]:
    """The recogniser trained on these clips (.npz), and a record of what made it.

    It is kept in `folder`; one that was made from the same clips with the same options is reused.
    """
    recordings = [read_clip(path)[0] for path in clips]
    record = _record(recordings, options)
    path = folder / FILE_NAME
    if net := load_recogniser(path, encoder, record):
        return net, record
    with progress_bar("listen for the recogniser", unit="recordings/s") as report:
        features, labels = hear_passes(encoder, recordings, options, report)
    with progress_bar("train the recogniser", options.steps, "steps/s") as report:
        net = train_recogniser(features, labels, options, report)
    save_recogniser(net, path, record)
    return net, record


def _record(recordings: Sequence[Spoken], options: RecogniserOptions) -> str:
    digest = hashlib.sha256(repr(asdict(options)).encode())
    for recording in recordings:
        digest.update(recording.audio.tobytes())
        digest.update(repr(recording.phones).encode())
    return digest.hexdigest()


def hear_passes(
    encoder: SpeechEncoder,
    recordings: Sequence[Spoken],
    options: RecogniserOptions,
    report: Report,
) -> tuple[Tensor, Tensor]:
    """Features [W, T, C] and labels [W, T] of random augmented windows over all recordings."""
    rng = np.random.default_rng(options.seed)
    voices = [recording.audio for recording in recordings]
    features, labels = [], []
    for number in range(options.passes):
        for done, recording in enumerate(recordings):
            report(number * len(recordings) + done, options.passes * len(recordings))
            cuts = [_window(recording, start, voices, rng) for start in _starts(recording, rng)]
            features.append(encode_windows(encoder, [audio for audio, _ in cuts]))
            labels += [label for _, label in cuts]
    return torch.cat(features), torch.stack(labels)


def _starts(recording: Spoken, rng: np.random.Generator) -> np.ndarray:
    """Seconds at which windows begin that together cover the recording about once."""
    count = max(1, round(recording.seconds / WINDOW))
    return np.arange(count) * WINDOW + rng.uniform(-0.5, 0.5) * WINDOW * (count > 1)


def _window(
    recording: Spoken, start: float, voices: list[np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, Tensor]:
    samples, steps = round(WINDOW * SAMPLE_RATE), round(WINDOW * RATE)
    options = AugmentOptions()
    if rng.random() < options.quiet:
        noise = 10 ** rng.uniform(-4, -1) * make_noise(samples, voices, rng)
        return noise.astype(np.float32), step_labels([], 0.0, steps)
    first = round(start * SAMPLE_RATE)
    audio = np.zeros(samples, np.float32)
    low, high = max(first, 0), min(first + samples, len(recording.audio))
    audio[low - first : high - first] = recording.audio[low:high]
    heard = augment(audio, voices, options, rng)
    return heard, step_labels(recording.phones, first / SAMPLE_RATE, steps)


def train_recogniser(
    features: Tensor,
    labels: Tensor,
    options: RecogniserOptions,
    report: Report,
) -> PhoneNet:
    """Train on features [W, T, C] and labels [W, T], rows of `PHONES`."""
    torch.manual_seed(options.seed)
    net = PhoneNet(features.shape[2])
    sample = features[:: max(1, len(features) // 64)].float().flatten(0, 1)
    net.mean.copy_(sample.mean(0))
    net.std.copy_(sample.std(0).clamp_min(1e-3))
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, options.steps)
    rng = np.random.default_rng(options.seed)
    net.train()
    for step in range(options.steps):
        report(step, options.steps)
        chosen = torch.from_numpy(rng.integers(0, len(features), options.batch))
        logits = net(features[chosen].float())[:, _IGNORED:-_IGNORED]
        loss = functional.cross_entropy(
            logits.flatten(0, 1), labels[chosen][:, _IGNORED:-_IGNORED].flatten(),
            label_smoothing=0.05,
        )  # fmt: skip
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return net.eval()
