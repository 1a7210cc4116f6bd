from itertools import product

import pytest
import torch
from torch import Tensor

from audio2mesh.data.phones import PHONES, SILENCE
from audio2mesh.lipreading.network import BLANK
from research.lipreading.judge import read_words, sentence_form

WAYS = {
    "bin": [("B", "IH", "N")],
    "lay": [("L", "EY")],
    "a": [("AH",), ("EY",)],
    "in": [("IH", "N")],
    "now": [("N", "AW")],
    "again": [("AH", "G", "EH", "N")],
}
FORM = sentence_form(["bin a now", "lay in again"], lambda word: WAYS.get(word, []))


def spoken(phones: str, noise: float, seed: int = 0) -> Tensor:
    """Log probabilities of phones that last two steps each, a dot for a blank, a dash silence."""
    signs = {".": BLANK, "-": PHONES.index(SILENCE)}
    labels = [signs[p] if p in signs else PHONES.index(p) for p in phones.split()]
    rows = torch.tensor(labels).repeat_interleave(2)
    scores = noise * torch.randn(len(rows), BLANK + 1, generator=torch.manual_seed(seed))
    scores[torch.arange(len(rows)), rows] += 4
    return scores.log_softmax(-1)


def best_score(log_probs: Tensor, phones: list[str]) -> float:
    """The score of the best alignment of phones, by the textbook's recursion."""
    between = torch.logaddexp(log_probs[:, BLANK], log_probs[:, PHONES.index(SILENCE)])
    rows = [PHONES.index(phone) for phone in phones]
    labels = [None, *(label for row in rows for label in (row, None))]
    score = [-torch.inf] * len(labels)
    for t, row in enumerate(log_probs):
        was = score.copy()
        for k, label in enumerate(labels):
            entries = [was[k], was[k - 1] if k else -torch.inf]
            if k > 1 and label is not None and label != labels[k - 2]:
                entries.append(was[k - 2])
            if t == 0:
                entries = [0.0 if k < 2 else -torch.inf]
            heard = between[t] if label is None else row[label]
            score[k] = max(entries) + float(heard)
    return max(score[-2:])


@pytest.mark.parametrize("seed", range(6))
def test_the_sentence_is_the_best_of_all(seed: int):
    log_probs = spoken("L EY . EY N . AW", noise=3.0, seed=seed)

    def score(sentence: tuple[str, ...]) -> float:
        ways = product(*(WAYS[word] for word in sentence))
        return max(best_score(log_probs, [p for word in way for p in word]) for way in ways)

    every = product(*(list(words) for words in FORM))
    assert read_words(log_probs, FORM) == list(max(every, key=score))


def test_clear_lips_are_read_through_blanks_and_silence():
    assert read_words(spoken("- B . IH N . EY - N AW", 0.1), FORM) == ["bin", "a", "now"]
    # the two phones N that meet need a blank between them
    assert read_words(spoken("L EY IH N . N AW", 0.1), FORM) == ["lay", "in", "now"]


def test_other_sentences_are_refused():
    with pytest.raises(ValueError, match="as many words"):
        sentence_form(["bin a now", "lay in"], lambda word: WAYS[word])
    with pytest.raises(ValueError, match="'xyzzy' is in no dictionary"):
        sentence_form(["bin xyzzy"], lambda word: WAYS.get(word, []))
