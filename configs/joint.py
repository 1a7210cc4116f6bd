"""Joint training: the options of the learned losses, and how they are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from audio2mesh.critic import Critic
from audio2mesh.fit import CriticFactory, FitOptions
from audio2mesh.losses import FaceGeometry
from audio2mesh.sync import load_syncnet, sync_critic


@dataclass(frozen=True)
class JointOptions(FitOptions):
    """Train speech-to-motion weights on clips of speech with face motion, or score weights."""

    syncnet: Path | None = None
    """SyncNet3D that judges where --train.losses.sync is set; by default the one that ships."""


def critic_factories(options: JointOptions) -> Mapping[str, CriticFactory]:
    """How to make each learned loss, by the name of its weight in LossWeights."""

    def sync(face: FaceGeometry, fps: int, device: torch.device) -> Critic:
        return sync_critic(load_syncnet(options.syncnet, "loss", device), face.to(device), fps)

    return {"sync": sync}
