"""Figures of lips over time against true ones: pure functions of two curves each, the gap between
the lips and the mouth's width.

A film may be early or late as a whole, so figures are given at the shift at which the gaps agree
best, and without one. What chance gives, other rows tell: the same motion at other times, the
mean mouth, and a still one.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from audio2mesh.data.lips import best_shift, correlation, overlap
from avatar.geometry.vectors import Bools, Floats
from research.evaluation.figures import mean_of, runs
from research.evaluation.speech.films import met

LARGEST_SHIFT = 0.4  # seconds
SHUT = 0.025  # of the eyes' distance: lips nearer than this are shut
LONGEST = 0.4  # seconds: lips that are shut for longer rest
NEAR = 0.08  # seconds by which a closure may be missed
BLOCK = 2.0  # seconds that are drawn together for an interval
FEWEST = 4  # blocks, or films, that an interval needs
DRAWS, INTERVAL = 2000, (2.5, 97.5)  # percentiles
ROLLS = 20  # times at which the shuffled motion begins

NAN = float("nan")
Interval = tuple[float, float]
Figures = TypeVar("Figures")


@dataclass(frozen=True)
class LipCurves:
    """A mouth over time, in distances between the outer corners of the eyes; frame f is the one at
    (f + 0.5) / fps seconds."""

    gap: Floats  # [F]
    width: Floats  # [F]
    fps: float

    def __len__(self) -> int:
        return len(self.gap)

    @property
    def seconds(self) -> float:
        return len(self) / self.fps


@dataclass(frozen=True)
class LipScores:
    """How lips agree with true ones; nan where there is nothing to measure.

    r is Pearson's; a closure is a run of frames with a gap below SHUT, of at most LONGEST seconds,
    that open ones surround; near is within NEAR.
    """

    gap_r: float  # at the shift that suits the gap best
    width_r: float  # at the same shift
    gap_r_unshifted: float
    width_r_unshifted: float
    shift_ms: float  # more than 0: late
    gap_amplitude: float  # ratio of the standard deviations, ours / true
    width_amplitude: float
    gap_error: float  # mean distance of the gaps at the shift, eye distances
    closures_called: float  # how many closures the true lips make
    closures_found: float  # share of them near which ours shut, too, or open again
    closures_false: float  # share of ours near which the true lips do not
    silent_speed: float  # mean speed of the gap while nobody speaks, eye distances a second


def compare(ours: LipCurves, true: LipCurves, silent: Bools | None = None) -> LipScores:
    """The figures of curves of any rate against true ones over the time that both have.

    silent: the true frames [F] in which nobody speaks.
    """
    ours, true = in_step(ours, true)
    shift = _shift(ours, true)
    gaps, widths = _aligned(ours, true, shift)
    found, false = closures(gaps[0].numpy(), gaps[1].numpy(), true.fps)
    return LipScores(
        gap_r=correlation(*gaps),
        width_r=correlation(*widths),
        gap_r_unshifted=correlation(_tensor(ours.gap), _tensor(true.gap)),
        width_r_unshifted=correlation(_tensor(ours.width), _tensor(true.width)),
        shift_ms=shift * 1e3 / true.fps,
        gap_amplitude=_ratio(ours.gap.std(), true.gap.std()),
        width_amplitude=_ratio(ours.width.std(), true.width.std()),
        gap_error=float((gaps[0] - gaps[1]).abs().mean()),
        closures_called=len(found),
        closures_found=mean_of(found),
        closures_false=mean_of(false),
        silent_speed=NAN if silent is None else _silent_speed(ours, silent),
    )


def in_step(ours: LipCurves, true: LipCurves) -> tuple[LipCurves, LipCurves]:
    """Both at the true frames' times, linear in between, as long as both last."""
    frames = min(len(true), int(ours.seconds * true.fps + 1e-6))
    times, known = ((np.arange(n) + 0.5) / c.fps for n, c in ((frames, true), (len(ours), ours)))
    gap, width = (np.interp(times, known, curve) for curve in (ours.gap, ours.width))
    return LipCurves(gap, width, true.fps), LipCurves(
        true.gap[:frames].astype(float), true.width[:frames].astype(float), true.fps
    )


def closures(gap: Floats, true_gap: Floats, fps: float) -> tuple[list[bool], list[bool]]:
    """For each closure of the true lips whether these shut near it, be it to rest, or open again;
    and for each closure of these whether the true ones do not."""

    def hits(called: Floats, made: Floats) -> list[bool]:
        short, shut = (torch.from_numpy(f) for f in (closed(called, fps), _ends(made, fps)))
        return met(short, shut, round(NEAR * fps))

    return hits(true_gap, gap), [not hit for hit in hits(gap, true_gap)]


def closed(gap: Floats, fps: float) -> Bools:
    """The frames [F] of a gap's closures."""
    found, last = np.zeros(len(gap), bool), len(gap)
    for start, end in runs(gap < SHUT):
        found[start:end] = start > 0 and end < last and end - start <= LONGEST * fps + 1e-6
    return found


def _ends(gap: Floats, fps: float) -> Bools:
    """The frames [F] with shut lips that are open within half of LONGEST."""
    opened = np.pad(gap >= SHUT, reach := round(LONGEST * fps / 2))
    return (gap < SHUT) & sliding_window_view(opened, 2 * reach + 1).any(1)


def _shift(ours: LipCurves, true: LipCurves) -> float:
    """Frames by which ours is late; nan where the gaps agree at no shift."""
    return best_shift(_tensor(ours.gap), _tensor(true.gap), true.fps, LARGEST_SHIFT)


def _aligned(
    ours: LipCurves, true: LipCurves, shift: float
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Gaps and widths, ours and true, that belong together."""
    whole = 0 if shift != shift else round(shift)
    gaps = overlap(_tensor(ours.gap), _tensor(true.gap), whole)
    return gaps, overlap(_tensor(ours.width), _tensor(true.width), whole)


def _tensor(curve: Floats) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(curve, float))


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else NAN


def _silent_speed(curves: LipCurves, silent: Bools) -> float:
    silent = silent[: len(curves)]
    return mean_of(np.abs(np.diff(curves.gap))[silent[1:] & silent[:-1]] * curves.fps)


def r_intervals(ours: LipCurves, true: LipCurves) -> dict[str, Interval]:
    """95 % intervals of `gap_r` and `width_r` from blocks of the film, drawn with replacement; nan
    where the film has too few."""
    ours, true = in_step(ours, true)
    gaps, widths = _aligned(ours, true, _shift(ours, true))
    blocks = int(ours.seconds / BLOCK + 1e-6)
    return {
        f"{name}_r": block_interval(pair[0].numpy(), pair[1].numpy(), blocks)
        for name, pair in (("gap", gaps), ("width", widths))
    }


def block_interval(ours: Floats, true: Floats, blocks: int) -> Interval:
    """Interval of Pearson's r of two curves [F], cut into so many blocks."""
    if blocks < FEWEST:
        return NAN, NAN
    x, y = ours - ours.mean(), true - true.mean()
    products = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], 1)  # [F, 6]
    starts = np.linspace(0, len(x), blocks, endpoint=False).astype(int)
    often = np.random.default_rng(0).multinomial(blocks, np.full(blocks, 1 / blocks), DRAWS)
    drawn = often @ np.add.reduceat(products, starts)  # [DRAWS, 6]
    mx, my, xx, yy, xy = (drawn[:, 1:] / drawn[:, :1]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (xy - mx * my) / np.sqrt((xx - mx**2) * (yy - my**2))
    return _percentiles(r)


def median_interval(values: Sequence[float]) -> Interval:
    """Interval of the median over films, drawn with replacement; nan of too few."""
    known = np.array([value for value in values if value == value])
    if len(known) < FEWEST:
        return NAN, NAN
    chosen = np.random.default_rng(0).integers(len(known), size=(DRAWS, len(known)))
    return _percentiles(np.median(known[chosen], axis=1))


def _percentiles(drawn: Floats) -> Interval:
    known = drawn[np.isfinite(drawn)]
    low, high = np.percentile(known, INTERVAL) if len(known) else (NAN, NAN)
    return float(low), float(high)


def medians(scores: Sequence[Figures]) -> Figures:
    """The median of each figure of dataclasses of numbers over those that know it."""
    columns = np.array([astuple(each) for each in scores], float).T  # pyright: ignore
    known = (column[np.isfinite(column)] for column in columns)
    return type(scores[0])(*(float(np.median(k)) if len(k) else NAN for k in known))


def null_rows(
    ours: LipCurves, true: LipCurves, silent: Bools | None = None
) -> dict[str, LipScores]:
    """What says nothing of the sound: our motion from other times of the film (medians over
    several), the true mean mouth, and the mouth of our first frame."""
    ours, true = in_step(ours, true)
    apart = round(2 * LARGEST_SHIFT * true.fps)
    rolls = (
        np.linspace(apart, len(true) - apart, ROLLS).astype(int) if len(true) > 2 * apart else []
    )
    shuffled = [
        compare(replace(ours, gap=np.roll(ours.gap, k), width=np.roll(ours.width, k)), true, silent)
        for k in rolls
    ]
    mean = _constant(true, true.gap.mean(), true.width.mean())
    return ({"shuffled": medians(shuffled)} if shuffled else {}) | {
        "mean mouth": compare(mean, true, silent),
        "still": compare(_constant(ours, ours.gap[0], ours.width[0]), true, silent),
    }


def _constant(like: LipCurves, gap: float, width: float) -> LipCurves:
    return replace(like, gap=np.full(len(like), gap), width=np.full(len(like), width))
