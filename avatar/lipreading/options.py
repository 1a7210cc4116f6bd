"""The options of lip reading: as a training loss, and of the lip reader's own training."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from audio2mesh.lipreading.options import LipReadOptions, LipTrainOptions
from common.device import Device

Renderer = Literal["splat", "pytorch3d"]


@dataclass(frozen=True)
class LipReadingOptions:
    """What the lip reader sees of a batch."""

    stretches: int = 2
    """Stretches of a batch, from different windows, that are rendered and read."""
    frames: int = 25
    """Frames of a stretch."""
    renderer: Renderer = "splat"
    """What draws the mouth: splat as Gaussians; pytorch3d as triangles, where that is installed."""


@dataclass(frozen=True)
class LipFitOptions:
    """Train the lip reader on renders of speech-motion clips."""

    data: tuple[Path, ...]
    """Folders of clips (<id>.npz with <id>.flac); those without phones teach the mouth's shape."""
    out: Path
    """Weights file to write (.safetensors)."""
    test_data: tuple[Path, ...] = ()
    """Folders of clips with phones that are only tested on."""
    held_out: tuple[str, ...] = ()
    """Ids of clips that are only tested on; without these and --test-data a tenth of the data."""
    exclude: tuple[str, ...] = ()
    """Ids of clips that are not used at all."""
    babble: float = 0.5
    """Hours of made-up speech, whose phones follow each other as in the data."""
    cache: Path = Path("mouth_crops")
    """Folder in which rendered crops are kept: about 0.7 GB for an hour."""
    start: Path | None = None
    """Weights of an earlier run to go on from, with a schedule of their own."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it is. Mouths are always drawn on the CPU."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
    network: LipReadOptions = field(default_factory=LipReadOptions)
    """Size of the network."""
    train: LipTrainOptions = field(default_factory=LipTrainOptions)
    """The training."""
