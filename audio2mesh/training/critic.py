"""What a learned judge of motion sees of a training batch.

A critic turns a batch into a loss; SyncNet3D and the lip-reading network are critics.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from audio2mesh.model.motion import Motion


@dataclass(frozen=True)
class Batch:
    """B windows of F frames."""

    predicted: Motion  # [B, F, ..]
    true: Motion  # [B, F, ..]
    mel: Tensor  # [B, T, 80] log-mel of the sound as recorded, before any augmentation, 100 Hz
    clips: tuple[str, ...]  # the recording that each window was cut from
    times: Tensor  # [B, F] seconds of that recording at the frames' centres; NaN outside it


Critic = Callable[[Batch], Tensor]
"""A batch → its loss, a scalar, differentiable in `predicted`."""
