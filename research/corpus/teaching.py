"""Training of the phone recogniser on clips whose phones are known."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audio2mesh.model.encoder import SpeechEncoder
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.training.augment import augment, make_noise
from audio2mesh.training.options import AugmentOptions
from audio2mesh.training.trainer import Trainer, train
from common.progress import Report, progress_bar
from common.training_loop import run_options, state_path
from research.corpus.files import read_clip
from research.corpus.options import RecogniserOptions
from research.corpus.recognise import (
    RATE,
    WINDOW,
    PhoneNet,
    encode_windows,
    load_recogniser,
    save_recogniser,
    step_labels,
)
from research.corpus.recordings import Utterance

FILE_NAME = "recogniser.safetensors"

_SMOOTHING = 0.05  # of the labels
_IGNORED = round(0.4 * RATE)  # steps at each end of a window without full context


def fit_recogniser(
    encoder: SpeechEncoder, clips: Sequence[Path], options: RecogniserOptions, folder: Path
) -> tuple[PhoneNet, str]:
    """The recogniser trained on these clips (.npz), and a record of what made it.

    It computes where the encoder does and is kept in `folder`; one that was made from the same
    clips with the same options is reused.
    """
    recordings = [read_clip(path)[0] for path in clips]
    record = _record(recordings, options)
    path = folder / FILE_NAME
    if net := load_recogniser(path, encoder, record):
        return net, record
    with progress_bar("listen for the recogniser", unit="recordings/s") as report:
        features, labels = hear_passes(encoder, recordings, options, report)
    trainer = Trainer(PhoneTask(features, labels, options, encoder.device), options)
    train(trainer, path, {"made by": record})
    save_recogniser(trainer.task.net, path, record)
    state_path(path).unlink(missing_ok=True)
    return trainer.task.net, record


def _record(recordings: Sequence[Utterance], options: RecogniserOptions) -> str:
    digest = hashlib.sha256(repr(run_options(options)).encode())
    for recording in recordings:
        digest.update(recording.audio.tobytes())
        digest.update(repr(recording.phones).encode())
    return digest.hexdigest()


def hear_passes(
    encoder: SpeechEncoder,
    recordings: Sequence[Utterance],
    options: RecogniserOptions,
    report: Report,
) -> tuple[Tensor, Tensor]:
    """Features [W, T, C] and labels [W, T] of random augmented windows over all recordings, on the
    CPU."""
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


def _starts(recording: Utterance, rng: np.random.Generator) -> np.ndarray:
    """Seconds at which windows begin that together cover the recording about once."""
    count = max(1, round(recording.seconds / WINDOW))
    return np.arange(count) * WINDOW + rng.uniform(-0.5, 0.5) * WINDOW * (count > 1)


def _window(
    recording: Utterance, start: float, voices: list[np.ndarray], rng: np.random.Generator
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


class PhoneTask:
    """A recogniser and what it learns from: features [W, T, C] and labels [W, T], rows of
    `PHONES`."""

    def __init__(
        self,
        features: Tensor,
        labels: Tensor,
        options: RecogniserOptions,
        device: torch.device | str = "cpu",
    ) -> None:
        torch.manual_seed(options.seed)
        self.net, self.device = PhoneNet(features.shape[2]), device
        sample = features[:: max(1, len(features) // 64)].float().flatten(0, 1)
        self.net.mean.copy_(sample.mean(0))
        self.net.std.copy_(sample.std(0).clamp_min(1e-3))
        self.net.to(device)
        self.features, self.labels, self.options = features, labels, options

    def prepare(self, step: int) -> None:
        """All windows are in memory."""

    def losses(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        rng = np.random.default_rng([self.options.seed, step])
        chosen = torch.from_numpy(rng.integers(0, len(self.features), self.options.batch))
        logits = self.net(self.features[chosen].to(self.device).float())[:, _IGNORED:-_IGNORED]
        labels = self.labels[chosen][:, _IGNORED:-_IGNORED].to(self.device)
        loss = functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), label_smoothing=_SMOOTHING
        )
        return loss, {}
