"""What emotions are measured on."""

from dataclasses import dataclass
from pathlib import Path

from common.assets import DEMO_AVATAR
from common.device import Device


@dataclass(frozen=True)
class EmotionEvaluationOptions:
    """Measure spoken emotions: whether lips go on speaking, and whether the emotion is seen."""

    data: tuple[Path, ...]
    """Folders of recordings, <id>.flac (or .wav, ..) with phones in <id>.npz."""
    clips: tuple[str, ...] = ()
    """Ids of the recordings to use; by default all of them."""
    avatar: tuple[Path, ...] = (DEMO_AVATAR,)
    """Avatars that speak and are looked at, as driving opens them: of Gaussians, or scans. With two
    or more, what is seen of one is named by prototypes of the others."""
    flame: Path | None = None
    """FLAME's own file (.pkl or .npz): also speak with its mean head."""
    weights: Path | None = None
    """Speech-to-motion weights (.safetensors); by default those that ship."""
    moments: int = 12
    """Moments of the speech at which each avatar is looked at, evenly spread."""
    report: Path | None = None
    """Also write all figures to this .json."""
    sheet: Path | None = None
    """Also write a .png: every emotion in three intensities on the avatars."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it works."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
