"""The options of learning an avatar from a capture."""

from dataclasses import dataclass, field
from pathlib import Path

from common.device import Device
from common.errors import InputError
from common.training_loop import check_steps

HIGHEST_DEGREE = 3


@dataclass(frozen=True)
class LearningRates:
    """Learning rates at the first step; all fall exponentially to a share of it at the last."""

    means: float = 5e-3
    """Of positions, in units of the triangle's size."""
    means_at_end: float = 0.01
    """Share of the positions' learning rate that is left at the last step."""
    others_at_end: float = 0.1
    """Share of the other learning rates that is left at the last step."""
    quats: float = 1e-3
    """Of rotations."""
    log_scales: float = 1e-2
    """Of log scales."""
    opacity_logits: float = 5e-2
    """Of logit opacities."""
    sh_dc: float = 2.5e-3
    """Of colours (SH coefficients of degree 0)."""
    sh_rest: float = 2.5e-4
    """Of the higher SH coefficients."""


@dataclass(frozen=True)
class DensifyOptions:
    """How the number of Gaussians grows."""

    every: int = 200
    """Steps between two rounds; 0 keeps one Gaussian on each triangle."""
    first: float = 0.03
    """Share of the steps before the first round."""
    last: float = 0.5
    """Share of the steps after which nothing is added or pruned; the budget is spent evenly."""
    threshold: float = 2e-5
    """Mean gradient by the position in the picture (in half picture widths) below which a Gaussian
    does not multiply."""
    split_size: float = 0.01
    """Gaussians larger than this share of the head's radius are split, smaller ones cloned."""
    prune_size: float = 0.1
    """Gaussians larger than this share of the head's radius are removed."""
    prune_opacity: float = 0.005
    """Gaussians fainter than this are removed."""


@dataclass(frozen=True)
class LossOptions:
    """What is minimised: (1 - ssim) · L1 + ssim · (1 - SSIM) plus the weighted regularisers."""

    ssim: float = 0.2
    """Share of SSIM in the loss of the picture; the rest is L1."""
    position: float = 0.01
    """Weight of the distance of Gaussians beyond one size of their triangle."""
    scale: float = 1.0
    """Weight of how much Gaussians exceed 0.6 sizes of their triangle."""
    thickness: float = 0.2
    """Weight of the thickness of Gaussians across their triangle, in its sizes."""
    opacity: float = 0.01
    """Weight of the mean opacity, which thins out what no picture needs."""
    seed: float = 1e-6
    """Weight of how far the Gaussians of a film have gone from those that the training starts with,
    squared, in learning rates, the more the less it shows them."""
    emphasis: float = 2.0
    """By how much errors at the eyes and in and around the mouth count more; 0 for not at all."""


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
    """Steps after which the unfinished run is kept, a preview written and held-out views measured;
    a power cut loses no more."""
    seed: int = 0
    """Seed of the order of pictures and of the backgrounds."""
    loss: LossOptions = field(default_factory=LossOptions)
    """The loss."""
    rates: LearningRates = field(default_factory=LearningRates)
    """Learning rates."""
    densify: DensifyOptions = field(default_factory=DensifyOptions)
    """How the number of Gaussians grows."""


@dataclass(frozen=True)
class ReconstructOptions:
    """Build an avatar from a tracked capture: Gaussians bound to the mesh of the head."""

    capture: Path
    """Folder of the capture, in the layout of GaussianAvatars and VHAP."""
    out: Path
    """The avatar to write (.ply)."""
    flame: Path | None = None
    """Your FLAME file, for captures that hold FLAME parameters."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it works."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
    max_gaussians: int = 25_000
    """Gaussians that the avatar may have at most; that of a film gets a quarter more than it starts
    with, some 95,000."""
    previews: Path | None = None
    """Folder for pictures of the unfinished avatar; by default <out>_previews beside it."""
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
    if not 0 <= options.loss.ssim <= 1:
        raise InputError(f"--train.loss.ssim {options.loss.ssim}: must be a share from 0 to 1")
    if not 0 <= options.densify.first <= options.densify.last <= 1:
        raise InputError("--train.densify.first and .last: must be shares from 0 to 1, in order")
