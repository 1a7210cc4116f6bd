"""How well recognised phones agree with known ones."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from audio2mesh.corpus.features import RATE, step_labels
from audio2mesh.data.phones import (
    BILABIALS,
    LABIODENTALS,
    OPEN_VOWELS,
    PHONES,
    ROUNDED,
    SILENCE,
    Phone,
)

CLASSES = {
    "bilabial": BILABIALS,
    "labiodental": LABIODENTALS,
    "rounded": ROUNDED,
    "open vowel": OPEN_VOWELS,
    "silence": frozenset({SILENCE}),
}

Counts = dict[str, NDArray[np.int64]]
"""Steps of 20 ms, to be added over recordings: per class (true and found, found, true), and under
`frames` (equal, all, all)."""


def agreement(found: Sequence[Phone], true: Sequence[Phone]) -> Counts:
    """Count on which steps the two say the same; they are equally long."""
    steps = round(true[-1].end * RATE)
    a, b = (step_labels(phones, 0.0, steps).numpy() for phones in (found, true))
    counts = {"frames": np.array([(a == b).sum(), steps, steps])}
    for name, members in CLASSES.items():
        rows = [PHONES.index(label) for label in members]
        inside_a, inside_b = np.isin(a, rows), np.isin(b, rows)
        counts[name] = np.array([(inside_a & inside_b).sum(), inside_a.sum(), inside_b.sum()])
    return counts


def agreement_line(name: str, counts: Sequence[Counts]) -> str:
    """Share of equal steps, then precision and recall of each class, in per cent."""
    total: Mapping[str, NDArray[np.int64]] = {
        key: np.sum([one[key] for one in counts], axis=0) for key in counts[0]
    }
    equal, steps, _ = total["frames"]
    parts = [
        f"{key} {_percent(both, found)}/{_percent(both, true)}"
        for key, (both, found, true) in total.items()
        if key != "frames"
    ]
    return f"{name:24} steps equal {_percent(equal, steps)}; {', '.join(parts)}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole else "-"
