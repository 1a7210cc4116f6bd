"""A face of twelve vertices that opens its mouth, with the sound to it."""

import numpy as np
import torch
from torch import Tensor

from audio2mesh.model.motion import Motion


def moving(curve: Tensor) -> Motion:
    """The lower inner lip of the test face moves down by `curve` [F] metres."""
    basis = torch.zeros(1, 12, 3)
    basis[0, 2:4, 1] = -1.0
    return Motion(curve[:, None], basis)


def talk(frames: int = 250, seed: int = 0) -> tuple[Tensor, np.ndarray]:
    """Mouth opening [F] in metres at 25 fps and its sound: 3 s of speech, 2 s of pause, again."""
    t = (np.arange(frames) + 0.5) / 25
    speech = (t % 5) < 3
    opening = torch.from_numpy(0.01 * speech * np.sin(2 * np.pi * 2.3 * t) ** 2).float()
    rng = np.random.default_rng(seed)
    audio = np.repeat(speech, 640) * rng.standard_normal(frames * 640) * 0.1
    return opening, audio.astype(np.float32)
