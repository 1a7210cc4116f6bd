"""Which avatars speak with which voices."""

from dataclasses import dataclass
from pathlib import Path

from common.device import Device


@dataclass(frozen=True)
class VoicesEvaluationOptions:
    """Let every avatar speak with every voice, also with those of others, and measure: closures and
    sync, whether all avatars move their lips alike, and whether each stays who it is."""

    avatar: tuple[Path, ...]
    """Avatars as driving opens them: of Gaussians, or scans; at least two."""
    audio: tuple[Path, ...]
    """Recordings of voices; with phones, <id>.npz beside <id>.wav, closures count on m, b and p."""
    own: tuple[str, ...] = ()
    """Which voice is whose, as AVATAR=RECORDING by the files' names without suffix: the person that
    an avatar was made of speaks there. All other pairs are asynchronous."""
    flame: Path | None = None
    """FLAME's own file (.pkl or .npz), for avatars of its topology that need it."""
    weights: Path | None = None
    """Speech-to-motion weights (.safetensors); by default those that ship."""
    moments: int = 40
    """Frames of each performance, evenly spread, in which the avatar's identity is measured."""
    report: Path | None = None
    """Also write all figures to this .json."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it works."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
