"""All that moves in a film, as a few numbers per frame on a basis of vertex offsets."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from audio2mesh import SpeechToMotion, frame_energy, stream_audio
from audio2mesh.model.stream import stream_coefficients
from avatar.arkit import WEIGHTS, Take, head_poses, sample_take
from avatar.face.idle_motion import live, still
from avatar.heads import Head

CHUNK_BYTES = 2**24  # of offsets that are computed at a time


@dataclass(frozen=True)
class Performance:
    """The motion of one film on one mesh."""

    basis: Tensor  # [C, V, 3] metres
    coefficients: Callable[[], Iterator[Tensor]]  # in chunks [f, C], F rows in total
    head_pose: Tensor  # [F, 4, 4] rigid motion of the head about its pivot, head space
    fps: float

    @property
    def frames(self) -> int:
        return len(self.head_pose)


def speech_performance(
    head: Head,
    model: SpeechToMotion,
    basis: Tensor,
    audio: Path,
    fps: float,
    seed: int | None,
) -> Performance:
    """Speech with blinks, brows and head motion; the recording is read twice and never held.

    head: that of the mesh; basis [K, V, 3]: the model's, on that mesh; seed: of the life besides
    speech, None for none.
    """
    energy = frame_energy(stream_audio(audio), fps)
    life = still(len(energy)) if seed is None else live(energy, fps, head.pivot, seed)
    units = [head.unit(name) for name in life.unit_weights]
    weights = list(life.unit_weights.values())  # each [F]
    beside = torch.stack(weights, 1) if weights else torch.zeros(len(energy), 0)  # [F, E]

    def coefficients() -> Iterator[Tensor]:
        start = 0
        for chunk in stream_coefficients(model, stream_audio(audio), fps):
            stop = start + len(chunk)
            yield torch.cat([chunk.cpu(), beside[start:stop]], dim=1)
            start = stop

    joint = torch.cat([basis.cpu(), torch.stack(units)]) if units else basis.cpu()
    return Performance(joint, coefficients, life.head_pose, fps)


def take_performance(head: Head, take: Take, fps: float, turn_head: bool) -> Performance:
    """A recorded take of ARKit weights; turn_head: with its head angles."""
    weights, angles = sample_take(take, fps)  # [F, 52], [F, 3]
    units = head.units[[head.unit_names.index(name) for name in WEIGHTS]]
    poses = head_poses(angles if turn_head else torch.zeros_like(angles), head.pivot)
    return Performance(units, lambda: iter([weights]), poses, fps)


def offset_chunks(performance: Performance) -> Iterator[Tensor]:
    """Offsets [f, V, 3] of all frames in turn, a few at a time, on the CPU."""
    flat = performance.basis.flatten(1)  # [C, 3 V]
    size = max(1, CHUNK_BYTES // (4 * flat.shape[1]))
    for chunk in performance.coefficients():
        for part in chunk.split(size):
            yield (part.to(flat) @ flat).unflatten(1, (-1, 3))
