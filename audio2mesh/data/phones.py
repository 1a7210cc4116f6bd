"""Phones with their times, and the articulatory classes that lips care about.

Labels are ARPAbet without stress marks (the symbols of the CMU dictionary) and `SIL`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common.errors import InputError

SILENCE = "SIL"
BILABIALS = frozenset({"M", "B", "P"})
LABIODENTALS = frozenset({"F", "V"})
OPEN_VOWELS = frozenset({"AA", "AE", "AH", "AO", "AW", "AY"})
ROUNDED = frozenset({"UW", "UH", "OW", "OY", "AO", "W", "SH", "ZH", "CH", "JH"})
PHONES = (
    *(SILENCE, "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F"),
    *("G", "HH", "IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH"),
    *("T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH"),
)


@dataclass(frozen=True)
class Phone:
    """One phone of a recording."""

    label: str
    start: float  # seconds
    end: float  # seconds


def to_arrays(phones: Sequence[Phone]) -> dict[str, np.ndarray]:
    """The arrays `phone_labels` [n] and `phone_times` [n, 2] (seconds) of a clip's .npz."""
    return {
        "phone_labels": np.array([phone.label for phone in phones], dtype="U3"),
        "phone_times": np.array([(p.start, p.end) for p in phones], np.float32).reshape(-1, 2),
    }


def from_arrays(labels: np.ndarray, times: np.ndarray) -> tuple[Phone, ...]:
    """What `to_arrays` wrote. InputError for other shapes or a label that is no phone."""
    if labels.ndim != 1 or times.shape != (len(labels), 2) or times.dtype.kind not in "fiu":
        raise InputError(
            f"phone_times has the shape {list(times.shape)}, which is no start and end for each "
            f"of phone_labels {list(labels.shape)}"
        )
    if unknown := {str(label) for label in labels} - set(PHONES):
        raise InputError(f"{sorted(unknown)[0]!r} is no ARPAbet phone without stress")
    return tuple(
        Phone(str(label), float(start), float(end))
        for label, (start, end) in zip(labels, times, strict=True)
    )
