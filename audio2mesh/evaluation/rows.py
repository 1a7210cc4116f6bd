"""The rows of the table: who makes the motion for a recording."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audio2mesh.data.clips import Clip
from audio2mesh.evaluation.recordings import Recording
from audio2mesh.model.baseline import LONGEST, AutoregressiveDecoder
from audio2mesh.model.motion import Motion, sample_curves
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.model.stream import stream_coefficients
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.waveform import frame_count

Row = Callable[[Recording, int], Motion | None]
"""A recording and a count F → motion [F, ..] at the table's frame rate; None: it has none."""


OWN_STYLE = "own"
"""Each recording in the style that it names, where the weights know it, else in the neutral one."""


def spoken(model: SpeechToMotion, fps: float, style: str | None) -> Row:
    """What weights make of the sound in a speaking style, by default the neutral one."""

    def speak(recording: Recording, frames: int) -> Motion:
        named = own_style(model, recording) if style == OWN_STYLE else style
        if isinstance(model.decoder, AutoregressiveDecoder):
            coefficients = in_pieces(model, recording.audio, fps, named)
        else:
            coefficients = torch.cat(
                list(stream_coefficients(model, [recording.audio], fps, named))
            )
        assert len(coefficients) == frames, (len(coefficients), frames)
        return Motion(coefficients.cpu(), model.basis.cpu())

    return speak


def own_style(model: SpeechToMotion, recording: Recording) -> str | None:
    """The style that a recording names, if the weights know it."""
    named = recording.clip.style if recording.clip else None
    return named if named in model.styles else None


@torch.no_grad()
def in_pieces(
    model: SpeechToMotion,
    audio: np.ndarray,
    fps: float,
    style: str | None,
    longest: int = LONGEST,
) -> Tensor:
    """Coefficients [F, K] of audio [S], made in pieces of `longest` frames, one after another.

    What FaceFormer's users do beyond its 600 frames; the seams are left as they are. A short last
    piece is followed by silence, up to the length of a training window.
    """
    device, frame = model.basis.device, SAMPLE_RATE // model.fps
    samples = longest * frame
    frames = frame_count(len(audio), model.fps)
    row = torch.tensor([model.style_index(style)], device=device)
    pieces = []
    for start in range(0, len(audio), samples):
        piece = torch.from_numpy(audio[start : start + samples])
        whole = max(model.window_samples, -(-len(piece) // frame) * frame)
        padded = functional.pad(piece, (0, whole - len(piece)))
        made = model.decode(model.raw_features(padded[None].to(device)), row)[0]
        pieces.append(made[: min(longest, frames - len(pieces) * longest)])
    positions = (torch.arange(frame_count(len(audio), fps)) + 0.5) * (model.fps / fps) - 0.5
    return sample_curves(torch.cat(pieces), positions.to(device))


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
