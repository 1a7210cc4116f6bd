"""SyncNet3D: does this mouth belong to this sound? (Learn2Talk, arXiv 2404.12888)

Lips and log-mel of the same 0.2 s become embeddings of length 1, whose distance is small where they
belong together. Lips enter as their leading principal curves, so any topology will do.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion
from audio2mesh.sound.mel import MEL_BANDS
from audio2mesh.sync.options import Role, SyncNetOptions
from audio2mesh.sync.windows import POINTS, level_mel, mel_windows, motion_windows

_GROUPS = 8


class AudioTower(nn.Module):
    """Levelled log-mel [N, 20, 80] → embedding [N, D]."""

    def __init__(self, width: int, embedding: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _convolution(MEL_BANDS, width, 1),  # 18 steps are left
            _convolution(width, width, 2),  # 8
            nn.Dropout(dropout),
            _convolution(width, width, 2),  # 3
            nn.Flatten(),
            nn.Linear(3 * width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, embedding),
        )

    def forward(self, windows: Tensor) -> Tensor:
        return functional.normalize(self.layers(windows.transpose(1, 2)), dim=-1)


class CurveTower(nn.Module):
    """Curves [N, 5, K] → embedding [N, D]."""

    def __init__(self, curves: int, width: int, embedding: int, dropout: float) -> None:
        super().__init__()
        sizes = (2 * POINTS * curves, 2 * width, 2 * width)
        hidden = [
            layer
            for a, b in pairwise(sizes)
            for layer in (nn.Linear(a, b), nn.LayerNorm(b), nn.GELU(), nn.Dropout(dropout))
        ]
        self.layers = nn.Sequential(*hidden, nn.Linear(2 * width, embedding))

    def forward(self, windows: Tensor) -> Tensor:
        centred = windows - windows.mean(1, keepdim=True)
        seen = torch.cat([windows, 4 * centred], 1).flatten(1)
        return functional.normalize(self.layers(seen), dim=-1)


def _convolution(channels: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(channels, width, 3, stride), nn.GroupNorm(_GROUPS, width), nn.GELU()
    )


_DIRECTIONS = 12  # at most
_SMALLEST = 2e-4  # metres: directions that move less than this are not amplified further
_NEIGHBOURS = 4
_SEALED = 5e-4  # metres


def lip_directions(offsets: Tensor) -> Tensor:
    """Principal directions [K, n, 3] of lip offsets [F, n, 3] about rest, in 1 / metre.

    The product with offsets gives curves of about RMS 1 (fewer for directions under 0.2 mm).
    """
    _, sizes, directions = torch.linalg.svd(offsets.flatten(1).double(), full_matrices=False)
    count = min(_DIRECTIONS, len(sizes))
    vertices = offsets.shape[1]
    rms = (sizes[:count].square() / (len(offsets) * vertices)).sqrt()  # metres, per vertex
    scaled = directions[:count] / (rms.clamp_min(_SMALLEST)[:, None] * vertices**0.5)
    return scaled.float().unflatten(1, (-1, 3))


def lip_offsets(motion: Motion, face: FaceGeometry) -> tuple[Tensor, Tensor]:
    """Rest [n, 3] and offsets [F, n, 3] in metres of the lip vertices that lie apart."""
    chosen = face.lips[apart(face.rest[face.lips])]
    return face.rest[chosen], motion.offsets(chosen)


def apart(points: Tensor) -> Tensor:
    """Indices of the points [n, 3] with no other within half a millimetre.

    Where the lips are sealed a vertex of the upper lip lies on one of the lower, and only the place
    cannot tell them apart. If all are so, all are returned.
    """
    near = torch.cdist(points, points) < _SEALED
    alone = (near.sum(1) == 1).nonzero().squeeze(1)
    return alone if len(alone) else torch.arange(len(points), device=points.device)


def lip_transfer(lips_rest: Tensor, face: FaceGeometry) -> Tensor:
    """Matrix [n, m] from a face's m lip vertices to the n at `lips_rest`, in their scale.

    Mouths are laid over one another by centre and width; a vertex takes the mean of its four
    nearest that lie apart, weighted by inverse square distance: all of the vertex itself, for the
    same topology.
    """
    lips = face.rest[face.lips].to(lips_rest)
    free = apart(lips)
    own, other = lips_rest, lips[free]
    scale = _width(own) / _width(other)
    distance = torch.cdist(own - _centre(own), (other - _centre(other)) * scale)
    nearest, index = distance.topk(min(_NEIGHBOURS, len(other)), largest=False)
    weight = 1 / (nearest.square() + 1e-14)
    weight = weight / weight.sum(1, keepdim=True) * scale
    return own.new_zeros(len(own), len(lips)).scatter(1, free[index], weight)


def _centre(points: Tensor) -> Tensor:
    return (points.amax(0) + points.amin(0)) / 2


def _width(points: Tensor) -> Tensor:
    return points[:, 0].amax() - points[:, 0].amin()


class SyncNet3D(nn.Module):
    """Two towers and the lips' principal directions."""

    lips_rest: Tensor  # [n, 3] metres
    directions: Tensor  # [C, n, 3] 1 / metre

    def __init__(
        self,
        lips_rest: Tensor,
        directions: Tensor,
        role: Role = "loss",
        options: SyncNetOptions | None = None,
    ) -> None:
        super().__init__()
        self.role: Role = role
        self.options = options or SyncNetOptions()
        sizes = (self.options.width, self.options.embedding, self.options.dropout)
        self.audio = AudioTower(*sizes)
        self.mouth = CurveTower(len(directions), *sizes)
        self.register_buffer("lips_rest", lips_rest)
        self.register_buffer("directions", directions)

    def curves(self, motion: Motion, face: FaceGeometry) -> Tensor:
        """Lip curves [.., F, C] of a motion of any topology."""
        transfer = lip_transfer(self.lips_rest, face)
        lips = torch.einsum("nm,kmc->knc", transfer, motion.basis[:, face.lips].to(transfer))
        change = lips.flatten(1) @ self.directions.flatten(1).T  # [motion's K, C]
        return motion.coefficients @ change.to(motion.coefficients)

    def embed_curves(self, curves: Tensor, fps: float) -> Tensor:
        """Lip curves [.., F, C] → embeddings [.., W, D] of their windows."""
        windows = motion_windows(curves, fps)
        return self.mouth(windows.flatten(0, -3)).unflatten(0, windows.shape[:-2])

    def embed_motion(self, motion: Motion, face: FaceGeometry, fps: float) -> Tensor:
        """Motion [.., F, ..] → embeddings [.., W, D] of its windows."""
        return self.embed_curves(self.curves(motion, face), fps)

    def embed_level(self, windows: Tensor) -> Tensor:
        """Windows [.., 20, 80] of levelled log-mel → embeddings [.., D]."""
        return self.audio(windows.flatten(0, -3)).unflatten(0, windows.shape[:-2])

    def embed_mel(self, mel: Tensor, fps: float, count: int) -> Tensor:
        """Log-mel [.., T, 80] of a recording → embeddings [.., count, D]."""
        return self.embed_level(mel_windows(level_mel(mel), fps, count))
