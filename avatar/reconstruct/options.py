"""The options of learning an avatar from a capture."""

from dataclasses import dataclass, field
from pathlib import Path

from common.device import ComputeOptions
from common.errors import InputError
from common.training_loop import check_steps

HIGHEST_DEGREE = 3


@dataclass(frozen=True)
class AvatarTrainOptions:
    """How the Gaussians are learned."""

    steps: int = 7_000
    """Steps, each with one picture."""
    coarse: float = 0.15
    """Share of the steps, at the beginning, with pictures at half their size."""
    sh_degree: int | None = None
    """Degree of the spherical harmonics, 0 to 3; by default 1, of a single camera 0: a
    view-independent colour."""
    sh_every: int = 1000
    """Steps until the next degree of the spherical harmonics comes in."""
    save_every: int = 1000
    """Steps after which the unfinished run is kept, a preview written into <out>_previews and
    held-out views measured; a power cut loses no more."""
    seed: int = 0
    """Seed of the order of pictures and of the backgrounds."""


@dataclass(frozen=True)
class ReconstructOptions(ComputeOptions):
    """Build an avatar from a tracked capture: Gaussians bound to the mesh of the head."""

    capture: Path
    """Folder of the capture, in the layout of GaussianAvatars and VHAP."""
    out: Path
    """The avatar to write (.ply)."""
    flame: Path | None = None
    """Your FLAME file, for captures that hold FLAME parameters."""
    max_gaussians: int = 25_000
    """Gaussians that the avatar may have at most; that of a film gets a quarter more than it starts
    with, some 95,000."""
    memory_gb: float = 2.0
    """Memory in which pictures are kept after they are read once."""
    train: AvatarTrainOptions = field(default_factory=AvatarTrainOptions)
    """The training."""


def check_train_options(options: AvatarTrainOptions) -> None:
    """Raise InputError for options that nothing can be learned with."""
    check_steps(options.steps, options.save_every)
    if options.sh_degree is not None and not 0 <= options.sh_degree <= HIGHEST_DEGREE:
        raise InputError(f"--train.sh-degree {options.sh_degree}: must be 0 to {HIGHEST_DEGREE}")
    if not 0 <= options.coarse <= 1:
        raise InputError(f"--train.coarse {options.coarse}: must be a share from 0 to 1")
