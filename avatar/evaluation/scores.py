"""The figures of one view, and their means over many."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from avatar.evaluation.metrics import Metric, psnr, ssim
from avatar.evaluation.regions import REGIONS

PERSON = "person"
"""The region of the mask, with whatever is worn."""
FEWEST = 16
"""Pixels that a region must have in a view to count there."""


@dataclass(frozen=True)
class Scores:
    """Figures of one view or means over several; None where there is nothing to measure."""

    psnr: float | None  # dB
    ssim: float | None
    lpips: float | None
    views: int = 1


@dataclass(frozen=True)
class ViewScores:
    """One view: all of it, and those of its regions that are seen."""

    whole: Scores
    regions: dict[str, Scores] = field(default_factory=dict)


def score_view(
    drawn: Tensor, truth: Tensor, labels: Tensor, person: Tensor, lpips: Metric | None
) -> ViewScores:
    """Compare two pictures [H, W, 3] in [0, 1]; labels [H, W] as in REGIONS, person [H, W] bool.

    A region's PSNR and SSIM are those of its pixels alone; LPIPS has no such part.
    """
    index, local = ssim(drawn, truth)
    perceived = lpips(drawn, truth) if lpips else None
    whole = Scores(psnr(drawn, truth), index, perceived)
    masks = {name: labels == 1 + number for number, name in enumerate(REGIONS)}
    masks[PERSON] = person
    regions = {
        name: Scores(psnr(drawn, truth, mask), float(local[mask].mean()), None)
        for name, mask in masks.items()
        if int(mask.sum()) >= FEWEST
    }
    return ViewScores(whole, regions)


def mean_scores(views: Sequence[ViewScores]) -> ViewScores:
    """The mean over views; a region's over the views that show it."""
    regions = {
        name: _mean([view.regions[name] for view in views if name in view.regions])
        for name in (PERSON, *REGIONS)
    }
    return ViewScores(_mean([view.whole for view in views]), regions)


def _mean(scores: Sequence[Scores]) -> Scores:
    def mean(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    return Scores(
        mean([s.psnr for s in scores]),
        mean([s.ssim for s in scores]),
        mean([s.lpips for s in scores]),
        len(scores),
    )
