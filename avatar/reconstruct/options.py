"""The options of learning an avatar from a capture."""

from dataclasses import dataclass, field

from avatar.reconstruct.densify import DensifyOptions
from avatar.reconstruct.optimiser import LearningRates
from avatar.reconstruct.refine import RefineOptions
from common.errors import InputError

HIGHEST_DEGREE = 3


@dataclass(frozen=True)
class LossOptions:
    """What is minimised: (1 - ssim) · L1 + ssim · (1 - SSIM) plus the weighted regularisers."""

    ssim: float = 0.2
    """Share of SSIM in the loss of the picture; the rest is L1."""
    position: float = 0.01
    """Weight of how far Gaussians lie beyond one size of their triangle."""
    scale: float = 1.0
    """Weight of how much Gaussians exceed 0.6 sizes of their triangle."""
    thickness: float = 0.2
    """Weight of how thick Gaussians are across their triangle, in its sizes."""
    opacity: float = 0.01
    """Weight of the mean opacity, which thins out what no picture needs."""
    emphasis: float = 2.0
    """By how much errors at the eyes and in and around the mouth count more; 0 for not at all."""


@dataclass(frozen=True)
class TrainOptions:
    """How the Gaussians are learned."""

    steps: int = 7_000
    """Steps, each with one picture."""
    coarse: float = 0.15
    """Share of the steps, the first ones, that see the pictures at half their size."""
    sh_degree: int = 1
    """Degree of the spherical harmonics, 0 to 3: 0 gives one colour from everywhere, which is best
    for a single camera."""
    sh_every: int = 1000
    """Steps until the next degree of the spherical harmonics comes in."""
    seed: int = 0
    """Seed of the order of pictures and of the backgrounds."""
    loss: LossOptions = field(default_factory=LossOptions)
    """The loss."""
    rates: LearningRates = field(default_factory=LearningRates)
    """Learning rates."""
    densify: DensifyOptions = field(default_factory=DensifyOptions)
    """How the number of Gaussians grows."""
    refine: RefineOptions = field(default_factory=RefineOptions)
    """What of the tracking is corrected on the way."""


def check_train_options(options: TrainOptions) -> None:
    """Raise InputError for options that nothing can be learned with."""
    if options.steps < 1:
        raise InputError(f"--train.steps {options.steps}: must be at least 1")
    if not 0 <= options.sh_degree <= HIGHEST_DEGREE:
        raise InputError(f"--train.sh-degree {options.sh_degree}: must be 0 to {HIGHEST_DEGREE}")
    if not 0 <= options.coarse <= 1:
        raise InputError(f"--train.coarse {options.coarse}: must be a share from 0 to 1")
    if not 0 <= options.loss.ssim <= 1:
        raise InputError(f"--train.loss.ssim {options.loss.ssim}: must be a share from 0 to 1")
    if not 0 <= options.densify.first <= options.densify.last <= 1:
        raise InputError("--train.densify.first and .last: must be shares from 0 to 1, in order")
