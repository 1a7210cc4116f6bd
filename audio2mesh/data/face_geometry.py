"""What speech-to-motion training and scoring know of a face: plain tensors, no triangles."""

from dataclasses import dataclass, field, fields

import torch
from torch import Tensor

from audio2mesh.model.motion import Motion

MM = 1000.0


@dataclass(frozen=True)
class FaceUnits:
    """Named vertex offsets at weight 1."""

    names: tuple[str, ...]
    offsets: Tensor  # [U, V, 3] metres


@dataclass(frozen=True)
class FaceGeometry:
    """What losses and scores need to know of the rest face."""

    rest: Tensor  # [V, 3] metres
    lips: Tensor  # [n] vertex indices
    inner_upper: Tensor  # [m] vertex indices along the inner lip line, left to right
    inner_lower: Tensor  # [m] their partners
    upper_face: Tensor  # [u] vertex indices of forehead, brows and eyes; may be empty
    upper_teeth: Tensor  # [t] vertex indices; empty for heads without teeth
    tongue: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    """[g] vertex indices of the tongue's tip; empty for heads without a tongue"""

    def to(self, device: torch.device) -> "FaceGeometry":
        return FaceGeometry(*(getattr(self, part.name).to(device) for part in fields(self)))

    @property
    def corners(self) -> Tensor:
        """The two lip vertices [2] farthest to the subject's right and left."""
        across = self.rest[self.lips, 0]
        return self.lips[torch.stack([across.argmin(), across.argmax()])]

    @property
    def pairs(self) -> tuple[Tensor, Tensor]:
        return self.inner_upper, self.inner_lower


def lip_gap(motion: Motion, face: FaceGeometry) -> Tensor:
    """Mean distance [.., F] in metres of the paired vertices along the inner lip line."""
    upper, lower = (face.rest[i] + motion.offsets(i) for i in face.pairs)
    return ((upper - lower).square().sum(-1) + 1e-12).sqrt().mean(-1)


def tongue_reach(motion: Motion, face: FaceGeometry) -> Tensor:
    """How far forward [.., F] in metres the tip of the tongue is of where it rests."""
    return motion.offsets(face.tongue)[..., 2].mean(-1)


def teeth_distance(motion: Motion, face: FaceGeometry) -> Tensor:
    """Mean distance [.., F] in metres of the middle of the lower inner lip from the upper teeth."""
    third = len(face.inner_lower) // 3
    middle = face.inner_lower[third : len(face.inner_lower) - third]
    lip, teeth = (face.rest[i] + motion.offsets(i) for i in (middle, face.upper_teeth))
    return torch.cdist(lip, teeth).amin(-1).mean(-1)
