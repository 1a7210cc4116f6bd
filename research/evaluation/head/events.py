"""Brow raises, blinks and glances during speech: rate, timing and duration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audio2mesh.prosody.record import Accent
from avatar.geometry.vectors import Bools, Floats
from research.evaluation.figures import mean_of, median_of, runs

CLOSED = 0.5  # of a blink's weight
RAISED = 0.03  # least weight of a brow in a raise
HIGH = 0.1  # that a raise reaches
AWAY_DEGREES = 2.5  # from where the eyes mostly look
SACCADE_SPEED = 30.0  # degrees a second
SHORTEST_DEGREES = 0.5  # of a shift that counts as a saccade
ACCENT_SECONDS = 0.4  # from an accent, within which a raise may belong to it


def blink_times(weights: Floats, fps: float) -> Floats:
    """Seconds [n] at which lids shut, from the weights [F] of a blink."""
    return np.array([start / fps for start, _ in runs(weights > CLOSED)])


def variation(times: Floats) -> float:
    """Coefficient of variation of the intervals between times [n]; nan for fewer than four."""
    apart = np.diff(times)
    return float(apart.std() / apart.mean()) if len(apart) > 2 else float("nan")


@dataclass(frozen=True)
class Raises:
    """n raises of the brows."""

    times: Floats  # [n] seconds, of their starts
    seconds: Floats  # [n]


def raises(brow: Floats, fps: float) -> Raises:
    """Raises in the weights [F] of the outer brows."""
    found = [(a, b) for a, b in runs(brow > RAISED) if brow[a:b].max() >= HIGH]
    spans = np.array(found, float).reshape(-1, 2) / fps
    return Raises(spans[:, 0], spans[:, 1] - spans[:, 0])


def early(raised: Raises, accents: Sequence[Accent]) -> float:
    """Seconds by which raises begin before the vowel of the nearest accent, the median; nan where
    none belongs to an accent."""
    vowels = np.array([accent.time for accent in accents])
    if not len(vowels):
        return float("nan")
    ahead = [vowels[np.abs(vowels - start).argmin()] - start for start in raised.times]
    near = [seconds for seconds in ahead if abs(seconds) <= ACCENT_SECONDS]
    return median_of(near)


def looking_away(look: Floats) -> Bools:
    """[F] whether eyes look [F, 2] elsewhere than mostly."""
    return np.hypot(*(look - np.median(look, axis=0)).T) > AWAY_DEGREES


def glances(look: Floats, fps: float) -> dict[str, float]:
    """The figures of the eyes' direction [F, 2] in degrees, the head's own turns included; looks
    are at what is mostly looked at."""
    away = looking_away(look)
    steps = np.hypot(*np.diff(look, axis=0).T) * fps
    spans = [(a, b) for a, b in runs(steps > SACCADE_SPEED)]
    sizes = np.array([np.hypot(*(look[b] - look[a])) for a, b in spans])
    seconds = np.array([(b - a) / fps for a, b in spans])
    counted = sizes >= SHORTEST_DEGREES
    return {
        "looking": float((~away).mean()),
        "looking_seconds": _mean_seconds(~away, fps),
        "away_seconds": _mean_seconds(away, fps),
        "saccades": mean_of(sizes[counted] < 15),
        "saccade_seconds": _at_ten(sizes[counted], seconds[counted]),
    }


def _mean_seconds(frames: Bools, fps: float) -> float:
    """Of the stretches that neither begin nor end with the film."""
    return mean_of([(b - a) / fps for a, b in runs(frames) if a > 0 and b < len(frames)])


def _at_ten(sizes: Floats, seconds: Floats) -> float:
    """How long a saccade of 10 degrees lasts, by a line through all."""
    if len(sizes) < 5 or np.ptp(sizes) < 5:
        return float("nan")
    return float(np.polyval(np.polyfit(sizes, seconds, 1), 10.0))
