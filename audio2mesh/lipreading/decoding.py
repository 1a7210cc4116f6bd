"""Phones read from lips, and how far they are from those that were said."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.phones import PHONES, SILENCE
from audio2mesh.lipreading.grammar import read_in_context
from audio2mesh.lipreading.network import BLANK, STEPS, LipReadNet
from common.errors import InputError

CHUNK, MARGIN = 200, 25
"""Frames that are read at a time, and those of them at each end that are context alone."""

_CLASSES = (
    (SILENCE,),
    ("M", "B", "P"),
    ("F", "V"),
    ("TH", "DH"),
    ("T", "D", "S", "Z", "N", "L"),
    ("SH", "ZH", "CH", "JH"),
    ("K", "G", "NG", "HH"),
    ("R", "ER"),
    ("W", "UW", "UH", "OW", "OY", "AO"),
    ("AA", "AE", "AH", "AW", "AY"),
    ("EH", "EY", "IH", "IY", "Y"),
)
VISEMES = {phone: number for number, phones in enumerate(_CLASSES) for phone in phones}
"""Phone → number of the class that lips can tell from other classes."""


@torch.no_grad()
def read_phones(net: LipReadNet, crops: Tensor) -> list[str]:
    """Phones of crops [F, 88, 88] in [0, 1], without silence, by lips and context."""
    weight, bonus = net.trust.tolist()
    return read_in_context(log_probabilities(net, crops), net.trigram.cpu(), weight, bonus)


@torch.no_grad()
def log_probabilities(net: LipReadNet, crops: Tensor) -> Tensor:
    """CTC log probabilities [2F, P + 1] of crops [F, 88, 88] of any length, in bounded memory."""
    parts = []
    for start in range(0, len(crops), CHUNK - 2 * MARGIN):
        low, high = max(0, start - MARGIN), min(len(crops), start + CHUNK - MARGIN)
        end = min(len(crops), start + CHUNK - 2 * MARGIN)
        read = net(crops[None, low:high]).log_probs[0]
        parts.append(read[STEPS * (start - low) : STEPS * (end - low)])
    return torch.cat(parts)


def decode(log_probs: Tensor) -> list[str]:
    """What lips alone say: the best label at each step [T, P + 1], repeats merged, blanks and
    silence dropped."""
    best = log_probs.argmax(-1).unique_consecutive().tolist()
    return [PHONES[label] for label in best if label != BLANK and PHONES[label] != SILENCE]


def phone_error_rate(net: LipReadNet, crops: Tensor, phones: Sequence[str]) -> float:
    """Edit distance between the phones read from crops [F, 88, 88] and the true ones, over the
    number of the true ones; silence does not count. InputError where there are none."""
    true = [phone for phone in phones if phone != SILENCE]
    if not true:
        raise InputError("a phone error rate needs at least one phone that is not silence")
    return edit_distance(read_phones(net, crops), true) / len(true)


def edit_distance(a: Sequence[object], b: Sequence[object]) -> int:
    """Fewest insertions, deletions and substitutions that turn `a` into `b` (Levenshtein)."""
    row = np.arange(len(b) + 1)
    for i, item in enumerate(a, 1):
        kept = row[:-1] + np.array([item != other for other in b], int)
        best = np.minimum(np.concatenate([[i], kept]), np.concatenate([[i], row[1:] + 1]))
        # An insertion costs 1 per place to the right of the best before it.
        places = np.arange(len(row))
        row = np.minimum.accumulate(best - places) + places
    return int(row[-1])


def visemes(phones: Sequence[str]) -> list[int]:
    """Classes of phones, without silence."""
    return [VISEMES[phone] for phone in phones if phone != SILENCE]
