"""Phones decoded from the lip reader's output with a trigram of phones, and the phone error rate.

Lips alone do not distinguish p from b; the phones before often do.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.phones import PHONES, SILENCE
from audio2mesh.lipreading.network import BLANK, STEPS, LipReadNet
from common.errors import InputError

_TRUST = 4.0  # times that a context must be heard to count as much as the shorter one
_NONE = -1
_START = PHONES.index(SILENCE)


def phone_trigram(sentences: Sequence[Sequence[str]]) -> Tensor:
    """Log probability [P, P, P] of a phone after two others, from sentences between silences.

    Counts are smoothed by the pairs', those by the single phones', those by equal chances.
    """
    counts = torch.zeros(len(PHONES), len(PHONES), len(PHONES), dtype=torch.float64)
    for sentence in sentences:
        rows = torch.tensor([_START, _START, *map(PHONES.index, sentence), _START])
        places = (rows[:-2], rows[1:-1], rows[2:])
        counts.index_put_(places, torch.ones(len(rows) - 2, dtype=torch.float64), accumulate=True)
    chances = torch.full((len(PHONES),), 1 / len(PHONES), dtype=torch.float64)
    for count in (counts.sum((0, 1)), counts.sum(0), counts):
        chances = (count + _TRUST * chances) / (count.sum(-1, keepdim=True) + _TRUST)
    return chances.log().float()


def read_in_context(
    log_probs: Tensor, trigram: Tensor, weight: float, bonus: float = 0.0
) -> list[str]:
    """The best phones of CTC log probabilities [T, P + 1], without silence.

    Each phone costs what the trigram [P, P, P] says, times `weight`, less `bonus`. The search is
    exact for the best alignment: every pair of phones is kept at every step (Viterbi).
    """
    count = len(PHONES)
    cost = weight * trigram + bonus  # [a, b, c]
    again = torch.zeros(count, count).fill_diagonal_(-torch.inf)  # no phone right after itself
    ended, going = (torch.full((count, count), -torch.inf) for _ in range(2))  # scores [a, b]
    ended[_START, _START] = 0.0  # of readings whose last step is a blank, or the phone b
    ended_by, going_by = (torch.full((count, count), _NONE) for _ in range(2))  # how b came in
    numbers = torch.arange(count * count).view(count, count)
    back_pointers: list[Tensor] = []
    for step, row in enumerate(log_probs.cpu()):
        goes_on = going[..., None] + again  # [a, b, c]
        after_blank = ended[..., None] >= goes_on
        begun, before = (torch.maximum(ended[..., None], goes_on) + cost).max(0)  # [b, c]
        by = torch.where(after_blank, ended_by[..., None], going_by[..., None])
        back_pointers.append(by.gather(0, before[None])[0])
        ended_by = torch.where(going > ended, going_by, ended_by)
        ended = torch.maximum(ended, going) + row[BLANK]
        going_by = torch.where(begun > going, step * count * count + numbers, going_by)
        going = torch.maximum(begun, going) + row[:count]
    better = going > ended
    best = int(torch.maximum(going, ended).argmax())
    last = int(torch.where(better, going_by, ended_by).flatten()[best])
    return [label for label in _backtrack(back_pointers, last) if label != SILENCE]


def _backtrack(back_pointers: Sequence[Tensor], last: int) -> list[str]:
    """Phones in order, from the entry at which the last one came in back to the first."""
    labels = []
    while last != _NONE:
        step, pair = divmod(last, len(PHONES) ** 2)
        labels.append(PHONES[pair % len(PHONES)])
        last = int(back_pointers[step].flatten()[pair])
    return labels[::-1]


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
