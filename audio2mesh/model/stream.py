"""A recording of any length → vertex offsets or coefficients, in bounded memory, without visible
window seams.

Windows of fixed length start one hop apart, the first one margin before the recording; beyond its
ends the recording is silence. Of each window the margins are dropped but for a short cross-fade.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio2mesh.model.motion import sample_curves
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.prosody.listener import heard_prosody
from audio2mesh.prosody.record import FRAMES_PER_SECOND, Prosody, joined
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import frame_count, stated_seconds, stream_audio
from common.errors import InputError
from common.progress import progress_bar

_LOOKAHEAD = 3  # frames that a spline and its rounding may look ahead


def stream_offsets(
    model: SpeechToMotion,
    blocks: Iterable[np.ndarray],
    fps: float | None = None,
    style: str | None = None,
) -> Iterator[Tensor]:
    """Vertex offsets of a recording, chunk after chunk of [f, V, 3] float32 metres in head space.

    `blocks` are pieces of the recording of any length, float32 [s] mono at 16 kHz; how it is cut
    up does not change the result. In total `frame_count(samples, fps)` frames come out, frame f for
    the time from f/fps to (f+1)/fps; `fps` defaults to the weights' own. InputError for an fps that
    is not positive or a speaking style that the weights do not have.
    """
    for coefficients in stream_coefficients(model, blocks, fps, style):
        yield model.motion(coefficients).offsets()


def stream_coefficients(
    model: SpeechToMotion,
    blocks: Iterable[np.ndarray],
    fps: float | None = None,
    style: str | None = None,
) -> Iterator[Tensor]:
    """As `stream_offsets`, but coefficients [f, K] on the model's basis."""
    rate = float(model.fps) if fps is None else float(fps)
    if not (rate > 0 and math.isfinite(rate)):
        raise InputError(f"the frame rate must be a positive number, but it is {fps}")
    assert not model.training, "dropout would make the motion random"
    row = model.style_index(style)
    recording = _Recording(blocks)
    curves = _crossfaded(model, (_decode(model, w, row) for w in recording.windows(model)))
    yield from _at_rate(curves, model.fps / rate, lambda: frame_count(recording.samples, rate))


class _Recording:
    """Cuts a stream of blocks into windows and counts its samples on the way."""

    def __init__(self, blocks: Iterable[np.ndarray]) -> None:
        self.blocks, self.samples = blocks, 0

    def windows(self, model: SpeechToMotion) -> Iterator[Tensor]:
        """Windows [S] of the recording until its last frame and a few more lie in their middles."""
        window, frame = model.options.window, SAMPLE_RATE // model.fps
        size, hop = model.window_samples, window.hop * SAMPLE_RATE // model.fps
        waiting = iter(self.blocks)
        held = torch.zeros(window.margin * SAMPLE_RATE // model.fps)
        covered = -(window.fade // 2)
        while covered == -(window.fade // 2) or covered < self.samples // frame + _LOOKAHEAD:
            held = self._fill(held, size, waiting)
            yield held[:size]
            held = held[hop:]
            covered += window.hop

    def _fill(self, held: Tensor, size: int, waiting: Iterator[np.ndarray]) -> Tensor:
        pieces, length = [held], len(held)
        while length < size and (block := next(waiting, None)) is not None:
            pieces.append(torch.from_numpy(np.ascontiguousarray(block, dtype=np.float32)))
            length += len(block)
            self.samples += len(block)
        pieces.append(torch.zeros(max(0, size - length)))
        return torch.cat(pieces)


def _decode(model: SpeechToMotion, audio: Tensor, style: int) -> Tensor:
    device = model.basis.device
    with torch.no_grad():
        rows = torch.tensor([style], device=device)
        return model(audio[None].to(device), rows)[0]  # [F, K]


def _crossfaded(model: SpeechToMotion, windows: Iterable[Tensor]) -> Iterator[Tensor]:
    """Coefficients [F, K] of successive windows → one seamless sequence in chunks, from frame 0."""
    window = model.options.window
    first, half = window.margin - window.fade // 2, window.fade // 2
    ramp = (torch.arange(window.fade, device=model.basis.device) + 0.5) / max(window.fade, 1)
    tail: Tensor | None = None
    for coefficients in windows:
        kept = coefficients[first : first + window.hop + window.fade]
        if tail is None:
            yield kept[half : window.hop]
        else:
            head = torch.lerp(tail, kept[: window.fade], ramp[:, None])
            yield torch.cat([head, kept[window.fade : window.hop]])
        tail = kept[window.hop :]


def _at_rate(curves: Iterable[Tensor], ratio: float, count: Callable[[], int]) -> Iterator[Tensor]:
    """Resample curves [F, K] that arrive in chunks; frame centres stay where they are in time.

    `ratio` is input over output rate; no more frames come out than `count()` says at that time.
    """
    held, dropped, done = None, 0, 0
    for chunk in curves:
        held = chunk if held is None else torch.cat([held, chunk])
        ready = int((dropped + len(held) - _LOOKAHEAD + 0.5) / ratio - 0.5)
        ready = min(ready, count())
        if ready > done:
            yield sample_curves(held, _centres(done, ready, ratio, held.device) - dropped)
            done = ready
        spent = int(max(0, (done + 0.5) * ratio - 2.5 - dropped))
        held, dropped = held[spent:], dropped + spent
    if held is not None and count() > done:
        yield sample_curves(held, _centres(done, count(), ratio, held.device) - dropped)


def _centres(start: int, stop: int, ratio: float, device: torch.device) -> Tensor:
    """Positions of output frames' centres in input frames [n]."""
    index = torch.arange(start, stop, dtype=torch.float64, device=device)
    return (index + 0.5) * ratio - 0.5


def hear(
    model: SpeechToMotion, audio: Path, fps: float | None = None, style: str | None = None
) -> tuple[tuple[Tensor, ...], Prosody]:
    """Listen to a whole recording, with a progress bar: coefficients [f, K] of all frames in turn,
    on the model's basis and on the CPU, and the prosody.

    fps: frames a second, by default the weights' own; style: a speaking style of the weights.
    Raises as `stream_audio` and `stream_coefficients` do.
    """
    stated = stated_seconds(audio)
    total = None if stated is None else round(stated)
    coefficients: list[Tensor] = []
    pieces: list[Prosody] = []
    sound = heard_prosody(stream_audio(audio), pieces.append)
    with progress_bar("listening", total, "× real time") as show:
        for chunk in stream_coefficients(model, sound, fps, style):
            coefficients.append(chunk.cpu())
            show(sum(map(len, pieces)) // FRAMES_PER_SECOND)
    return tuple(coefficients), joined(pieces)
