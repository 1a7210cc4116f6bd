"""Batches of encoded windows, drawn from passes over the clips: windows that are encoded together
and kept in memory or in files that runs share."""

import fcntl
import hashlib
import json
import math
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import Clip
from audio2mesh.model.speech_to_motion import NEUTRAL, SpeechToMotion
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.mel import MEL_HOP
from audio2mesh.training.options import AugmentOptions
from audio2mesh.training.windows import Window, WindowForm, draw_windows
from common.atomic import write_beside
from common.network_files import read_tensors, write_tensors

_FORMAT = 4  # to be raised when windows are cut or changed otherwise than before
_ENCODER_BATCH = 8
_DIGEST_BYTES = 12
_RARER = 6  # times: how much rarer windows of guessed motion lose their style


@dataclass(frozen=True)
class Pass:
    """Encoded windows of one augmented pass over the clips; or those drawn for a step."""

    features: Tensor  # [B, F, P, L, D] float16, once drawn float32
    mel: Tensor  # [B, T, 80] the same, of the sound before it was augmented
    coefficients: Tensor  # [B, F, K]
    heard: Tensor  # [B, F] bool
    styles: Tensor  # [B] rows
    times: Tensor  # [B, F] float64 seconds of the recording; NaN outside it
    clips: tuple[str, ...]  # names of the recordings


@dataclass(frozen=True)
class PassSource:
    """All that a pass follows from, but its number."""

    model: SpeechToMotion
    clips: Sequence[Clip]
    weights: np.ndarray  # [n] the clips' shares of the windows, sum 1
    windows: int  # of one pass at most
    seed: int
    augment: AugmentOptions


def encode_pass(source: PassSource, number: int) -> Pass:
    """The pass of a number, by random windows of all clips; the same each time."""
    rng = np.random.default_rng([source.seed, 0, number])
    form = window_form(source.model)
    samples = sum(len(clip.audio) for clip in source.clips)
    count = min(source.windows, math.ceil(samples / form.samples))
    windows = draw_windows(source.clips, source.weights, count, form, source.augment, rng)
    batches = iter(lambda: list(islice(windows, _ENCODER_BATCH)), [])
    parts = [_encode(source.model, batch) for batch in batches]
    tensors = {name: torch.cat([tensors[name] for tensors, _ in parts]) for name in parts[0][0]}
    return Pass(**tensors, clips=tuple(name for _, names in parts for name in names))


def window_form(model: SpeechToMotion) -> WindowForm:
    """Length and rate of the windows that a model sees."""
    frames = model.options.window.frames
    return WindowForm(model.window_samples, frames, model.fps, len(model.basis))


def cached_pass(folder: Path, source: PassSource, number: int) -> Pass:
    """As `encode_pass`, but kept in a file of the folder and read from there the next time.

    Several processes may ask at once: one encodes, the others wait for its file.
    """
    path = folder / f"pass-{number:05d}.safetensors"
    if not path.exists():
        with _alone(folder / f".{path.name}.lock"):
            if not path.exists():
                save_pass(encode_pass(source, number), path)
    return load_pass(path)


def cache_folder(root: Path, source: PassSource) -> Path:
    """The folder under `root` that holds the passes of exactly this source; made if absent."""
    described = describe(source)
    digest = hashlib.blake2b(described.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    folder = root / digest
    folder.mkdir(parents=True, exist_ok=True)
    with write_beside(folder / "source.json") as partial:
        partial.write_text(described)
    return folder


def describe(source: PassSource) -> str:
    """What the passes follow from, as JSON: options in words, data and encoder as digests."""
    model = source.model
    encoder = [tensor for _, tensor in sorted(model.encoder.state_dict().items())]
    clips = [
        [clip.name, clip.style, clip.fps, clip.lag, _digest([clip.audio, clip.motion.coefficients])]
        for clip in source.clips
    ]
    return json.dumps(
        {
            "format": _FORMAT,
            "windows": source.windows,
            "seed": source.seed,
            "augment": asdict(source.augment),
            "window": asdict(window_form(model)),
            "samples_per_frame": model.options.samples_per_frame,
            "styles": model.styles,
            "encoder": [asdict(model.encoder.spec), _digest(encoder)],
            "basis": _digest([model.basis]),
            "clips": _digest([np.frombuffer(json.dumps(clips).encode(), np.uint8)]),
            "weights": _digest([source.weights]),
        }
    )


def save_pass(encoded: Pass, path: Path) -> None:
    """Write a safetensors file; it appears whole or not at all."""
    tensors = {n: t for n, t in vars(encoded).items() if isinstance(t, Tensor)}
    write_tensors(tensors, path, {"clips": json.dumps(encoded.clips)})


def load_pass(path: Path) -> Pass:
    """Open what `save_pass` wrote; the tensors stay on disk until they are used."""
    tensors, metadata = read_tensors(path)
    return Pass(**tensors, clips=tuple(json.loads(metadata["clips"])))


@torch.no_grad()
def _encode(
    model: SpeechToMotion, windows: Sequence[Window]
) -> tuple[dict[str, Tensor], list[str]]:
    audio = torch.from_numpy(np.stack([window.audio for window in windows]))
    known = [w.style if w.style in model.styles else NEUTRAL for w in windows]
    tensors = {
        "features": model.raw_features(audio.to(model.basis.device)).half().cpu(),
        "mel": torch.stack([window.mel for window in windows]).half(),
        "coefficients": torch.stack([window.coefficients for window in windows]),
        "heard": torch.stack([window.heard for window in windows]),
        "styles": torch.tensor([model.styles.index(style) for style in known]),
        "times": torch.stack([window.times for window in windows]),
    }
    return tensors, [window.clip for window in windows]


def _digest(arrays: Sequence[np.ndarray | Tensor]) -> str:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for array in arrays:
        plain = array.detach().cpu().numpy() if isinstance(array, Tensor) else array
        digest.update(f"{plain.dtype}{plain.shape}".encode())
        digest.update(plain.tobytes())
    return digest.hexdigest()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait for the lock file of that name."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


_MEL_FPS = SAMPLE_RATE // MEL_HOP


@dataclass(frozen=True)
class Row:
    """One window of a pass."""

    source: Pass
    index: int
    neutral: bool  # trained with the neutral speaking style

    @property
    def clip(self) -> str:
        return self.source.clips[self.index]


def draw_rows(
    passes: Sequence[Pass],
    count: int,
    neutral: float,
    rng: np.random.Generator,
    guessed: Set[str],
) -> list[Row]:
    """Random windows, each pass with the same share; `neutral` of them lose their style, and
    fewer of those of `guessed` clips, from which the neutral style learns less."""
    places = [
        (p, int(rng.integers(len(p.styles))))
        for p in (passes[int(rng.integers(len(passes)))] for _ in range(count))
    ]
    chances = [neutral / (_RARER if p.clips[row] in guessed else 1) for p, row in places]
    plain = (rng.random(count) < chances).tolist()
    return [Row(*place, is_plain) for place, is_plain in zip(places, plain, strict=True)]


def gather(rows: Sequence[Row], device: torch.device) -> Pass:
    """The windows of a step, or of one process's share of it, stacked on a device."""

    def stacked(name: str) -> Tensor:
        return torch.stack([getattr(row.source, name)[row.index] for row in rows]).to(device)

    plain = torch.tensor([row.neutral for row in rows], device=device)
    return Pass(
        features=stacked("features").float(),
        mel=stacked("mel").float(),
        coefficients=stacked("coefficients"),
        heard=stacked("heard"),
        styles=stacked("styles").masked_fill(plain, 0),
        times=stacked("times"),
        clips=tuple(row.clip for row in rows),
    )


def inner_frames(model: SpeechToMotion) -> range:
    """The frames of a window that are trained: all but half a margin at each end.

    They begin on a whole step of the log-mel.
    """
    whole = model.fps // math.gcd(model.fps, _MEL_FPS)
    margin = model.options.window.margin // 2 // whole * whole
    return range(margin, model.options.window.frames - margin)


def mel_steps(frames: range, fps: int) -> range:
    """Steps of the log-mel that lie wholly in a stretch of frames."""
    return range(frames.start * _MEL_FPS // fps, frames.stop * _MEL_FPS // fps)
