"""Recordings of speech with scanned faces of one topology → clips, one recording at a time.

Training clips come on one basis that all of them share, so that an hour of scans stays small in
memory. Clips that are scored keep every vertex: a clip's own frames are its basis.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import Clip
from audio2mesh.data.options import Split
from audio2mesh.model.motion import Motion, basis_stride, motion_basis, project


@dataclass(frozen=True)
class Recording:
    """Where one recording's sound and vertices are read from."""

    name: str
    style: str
    split: Split
    fps: float
    frames: int
    template: Tensor  # [V, 3] metres, the speaker's own rest face
    audio: Callable[[], np.ndarray]  # [S] float32, 16 kHz
    vertices: Callable[[np.ndarray], np.ndarray]  # frames [n] → [n, V, 3] metres


def to_clips(recordings: Sequence[Recording]) -> tuple[list[Clip], Tensor]:
    """All clips, and the training motion's basis [K, V, 3].

    Raises InputError if no recording is for training.
    """
    basis = scan_basis([recording for recording in recordings if recording.split == "train"])
    return [_to_clip(recording, basis) for recording in recordings], basis


def scan_basis(recordings: Sequence[Recording]) -> Tensor:
    """One basis [K, V, 3] from frames spread evenly over all recordings."""
    every = basis_stride(sum(recording.frames for recording in recordings))
    sampled = [_offsets(r, np.arange(0, r.frames, every)) for r in recordings]
    return motion_basis(torch.cat(sampled))


def _to_clip(recording: Recording, basis: Tensor) -> Clip:
    offsets = _offsets(recording, np.arange(recording.frames))
    if recording.split == "train":
        motion = Motion(project(offsets, basis), basis)
    else:
        motion = Motion(torch.eye(len(offsets)), offsets)
    return Clip(
        name=recording.name,
        style=recording.style,
        audio=recording.audio(),
        motion=motion,
        fps=recording.fps,
        lag=0.0,
        split=recording.split,
    )


def _offsets(recording: Recording, frames: np.ndarray) -> Tensor:
    """Offsets [n, V, 3] in metres of the chosen frames from the speaker's rest face."""
    return torch.from_numpy(recording.vertices(frames)).float() - recording.template
