"""The rows of the table: who makes the motion for a recording."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from audio2mesh.clips import Clip
from audio2mesh.evaluation.recordings import Recording
from audio2mesh.model import SpeechToMotion
from audio2mesh.motion import Motion
from audio2mesh.stream import stream_coefficients

Row = Callable[[Recording, int], Motion | None]
"""A recording and a count F → motion [F, ..] at the table's frame rate; None: it has none."""


def spoken(model: SpeechToMotion, fps: float, style: str | None) -> Row:
    """What weights make of the sound."""

    def speak(recording: Recording, frames: int) -> Motion:
        pieces = list(stream_coefficients(model, [recording.audio], fps, style))
        coefficients = torch.cat(pieces).cpu()
        assert len(coefficients) == frames, (len(coefficients), frames)
        return Motion(coefficients, model.basis.cpu())

    return speak


def true(fps: float) -> Row:
    """The recordings' own motion."""
    return lambda recording, frames: recording.truth(fps, frames)


def constant(offsets: Tensor) -> Row:
    """A face with the same offsets [V, 3] in every frame."""
    return lambda recording, frames: Motion(torch.ones(frames, 1), offsets[None])


def mean_offsets(clips: Sequence[Clip]) -> Tensor:
    """Mean offsets [V, 3] over all frames of some clips."""
    means = [clip.motion.coefficients.mean(0) @ clip.motion.basis.flatten(1) for clip in clips]
    frames = torch.tensor([float(len(clip.motion.coefficients)) for clip in clips])
    return (torch.stack(means) * (frames / frames.sum())[:, None]).sum(0).unflatten(0, (-1, 3))
