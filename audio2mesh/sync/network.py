"""SyncNet3D: does this mouth belong to this sound? (Learn2Talk, arXiv 2404.12888)

Lips and log-mel of the same 0.2 s become embeddings of length 1 whose distance is small where they
belong together. The lips are seen as their leading principal curves, so any topology will do.
"""

from torch import Tensor, nn

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion
from audio2mesh.sync.lips import lip_curves, lip_transfer
from audio2mesh.sync.options import Role, SyncNetOptions
from audio2mesh.sync.towers import AudioTower, CurveTower
from audio2mesh.sync.windows import level_mel, mel_windows, motion_windows


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
        return lip_curves(motion, self.directions, transfer, face)

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
