import itertools
import math

import pytest
import torch
from torch import Tensor

from audio2mesh.data.phones import PHONES, SILENCE
from audio2mesh.lipreading.decoding import decode, phone_trigram, read_in_context
from audio2mesh.lipreading.network import BLANK

SIL, M, B, AA = (PHONES.index(label) for label in ("SIL", "M", "B", "AA"))


def emissions(steps: int, seed: int, used: tuple[int, ...]) -> Tensor:
    """Log probabilities [T, P + 1] of a few labels alone."""
    scores = torch.full((steps, BLANK + 1), -math.inf)
    generator = torch.Generator().manual_seed(seed)
    scores[:, list(used)] = torch.randn(steps, len(used), generator=generator)
    return scores.log_softmax(-1)


def tried(log_probs: Tensor, trigram: Tensor, weight: float, bonus: float, used: tuple[int, ...]):
    """The same by trying every alignment: the naive twin."""
    best, found = -math.inf, []
    for path in itertools.product(used, repeat=len(log_probs)):
        merged = [label for label, _ in itertools.groupby(path) if label != BLANK]
        score = sum(log_probs[step, label].item() for step, label in enumerate(path))
        for a, b, c in zip([SIL, SIL, *merged], [SIL, *merged], merged, strict=False):
            score += weight * trigram[a, b, c].item() + bonus
        if score > best:
            best, found = score, [PHONES[label] for label in merged if label != SIL]
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_search_finds_what_trying_all_alignments_finds(seed: int):
    used = (SIL, M, AA, BLANK)
    trigram = torch.randn((len(PHONES),) * 3, generator=torch.Generator().manual_seed(seed))
    log_probs = emissions(6, seed, used)
    assert read_in_context(log_probs, trigram, 0.7, 0.4) == tried(
        log_probs, trigram, 0.7, 0.4, used
    )


def test_without_weight_it_is_the_plain_reading():
    log_probs = emissions(40, 0, tuple(range(BLANK + 1)))
    assert read_in_context(log_probs, torch.zeros((len(PHONES),) * 3), 0.0) == decode(log_probs)


def test_what_was_said_before_decides_between_phones_that_look_alike():
    trigram = phone_trigram([["AA", "B"]] * 20)
    log_probs = torch.full((3, BLANK + 1), -20.0)
    log_probs[0, AA] = log_probs[1, BLANK] = 0.0
    log_probs[2, M], log_probs[2, B] = math.log(0.55), math.log(0.45)
    assert read_in_context(log_probs, trigram, 0.0) == ["AA", "M"]
    assert read_in_context(log_probs, trigram, 1.0) == ["AA", "B"]


def test_the_trigram_is_a_distribution_that_knows_what_it_heard():
    trigram = phone_trigram([["M", "AA"], ["B", "AA", "M"]])
    assert torch.allclose(trigram.exp().sum(-1), torch.ones(()), atol=1e-5)
    assert trigram[SIL, M, AA] > trigram[SIL, M, B]
    assert trigram[SIL, SIL].argmax() in (M, B)
    unheard = PHONES.index("ZH")
    assert (
        trigram[unheard, unheard].argmax() == PHONES.index(SILENCE)
        or trigram[unheard, unheard].argmax() == AA
    )
    assert torch.isfinite(trigram).all()
