"""Lip-reading rendered mouths as a measure of motion: phones, and words.

Words are read where all sentences have one form: the word at each place is one of those said at
that place in some sentence, as in the GRID corpus (Cooke et al., JASA 120, 2006).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audio2mesh.data.phones import PHONES, SILENCE
from audio2mesh.lipreading.decoding import edit_distance, log_probabilities, phone_error_rate
from audio2mesh.lipreading.network import BLANK, FPS, LipReadNet
from audio2mesh.model.motion import Motion, sample_curves
from avatar.heads import Head
from common.errors import InputError
from research.corpus.align import pronunciations
from research.evaluation.speech.articulation import Score
from research.evaluation.speech.measures import Judge
from research.evaluation.speech.recordings import Material, Recording
from research.lipreading.render import MouthRenderer, mouth_renderer

Pronounce = Callable[[str], Sequence[Sequence[str]]]
"""A word → its pronunciations in phones; none where it is not known."""
SentenceForm = Sequence[Mapping[str, Sequence[Sequence[str]]]]
"""At each place the words that may stand there, with their pronunciations."""

_NOWHERE = -torch.inf


def sentence_form(texts: Iterable[str], pronounce: Pronounce) -> SentenceForm:
    """The form of sentences of equally many words. InputError for other sentences, and for a word
    without a pronunciation."""
    places = [text.split() for text in texts]
    if len({len(words) for words in places}) != 1:
        raise InputError("words are read only from sentences that all have as many words")
    form = []
    for said in zip(*places, strict=True):
        found = {word: pronounce(word) for word in sorted({*said})}
        if unknown := [word for word, ways in found.items() if not ways]:
            raise InputError(f"{unknown[0]!r} is in no dictionary here; spell it otherwise")
        form.append(found)
    return form


@dataclass(frozen=True)
class _Graph:
    """S states of reading; 0 is the time before the first word."""

    labels: Tensor  # [S] row of the phone; BLANK between phones
    allowed: Tensor  # [S, S] 0 where the second may follow the first, else -inf
    words: tuple[tuple[int, str], ...]  # S times the place and the word
    last: tuple[int, ...]  # states in which a sentence may end


def read_words(log_probs: Tensor, form: SentenceForm) -> list[str]:
    """The sentence of that form that fits the CTC log probabilities [T, P + 1] best, by its best
    alignment (Viterbi). Blanks and silence between phones count as one."""
    graph = _graph(form)
    between = torch.logaddexp(log_probs[:, BLANK], log_probs[:, PHONES.index(SILENCE)])
    rows = torch.cat([log_probs[:, :BLANK], between[:, None]], 1)[:, graph.labels]  # [T, S]
    score, came_from = rows[0] + graph.allowed[0], []
    for row in rows[1:]:
        best, by = (score[:, None] + graph.allowed).max(0)
        came_from.append(by)
        score = best + row
    state = max(graph.last, key=lambda end: float(score[end]))
    states = [state]
    for by in reversed(came_from):
        state = int(by[state])
        states.append(state)
    return list(dict(graph.words[s] for s in reversed(states) if s).values())


def _graph(form: SentenceForm) -> _Graph:
    labels, words, steps = [BLANK], [(-1, "")], [(0, 0)]
    open_ends = [0]  # states after which the next word may begin
    for place, ways in enumerate(form):
        begun, open_ends = open_ends, []
        for word, phones in ((word, phones) for word, many in ways.items() for phones in many):
            before = begun
            for phone in phones:
                spoken, after = len(labels), len(labels) + 1
                labels += [PHONES.index(phone), BLANK]
                words += [(place, word)] * 2
                steps += [(spoken, spoken), (spoken, after), (after, after)]
                steps += [(state, spoken) for state in before if labels[state] != labels[spoken]]
                before = [spoken, after]
            open_ends += before
    allowed = torch.full((len(labels), len(labels)), _NOWHERE)
    allowed[tuple(torch.tensor(steps).T)] = 0.0
    return _Graph(torch.tensor(labels), allowed, tuple(words), tuple(open_ends))


_CHUNK = 32  # frames drawn at a time


def lip_reading_judge(
    net: LipReadNet, head: Head, material: Material, texts: Mapping[str, str] | None = None
) -> Judge:
    """Phone error rate `per` of what a lip reader makes of the motion; phones count alike.

    texts: what is said in recordings, in sentences of one form; gives `wer`, the word error rate.
    InputError for material of another topology than the head that is drawn, and as `sentence_form`.
    """
    if material.topology != head.topology:
        raise InputError(
            f"lip reading draws {head.topology}, but the data are of {material.topology}; "
            "leave --lip-reading out"
        )
    render = mouth_renderer(head)
    form = sentence_form(texts.values(), pronunciations) if texts else None

    def judge(motion: Motion, recording: Recording, fps: float) -> dict[str, Score]:
        phones = [phone.label for phone in recording.phones]
        spoken = sum(phone != SILENCE for phone in phones)
        text = next((texts[name] for name in recording.names if texts and name in texts), None)
        if not spoken and text is None:
            return {}
        crops = drawn_mouth(render, at_rate(motion, fps), head.vertices)
        scores = {"per": Score(phone_error_rate(net, crops, phones), spoken)} if spoken else {}
        if form and text:
            words = text.split()
            wrong = edit_distance(read_words(log_probabilities(net, crops).cpu(), form), words)
            scores["wer"] = Score(wrong / len(words), len(words))
        return scores

    return judge


@torch.no_grad()
def drawn_mouth(render: MouthRenderer, motion: Motion, rest: Tensor) -> Tensor:
    """Crops [F, 88, 88] of a motion [F, ..] at 25 frames a second of a face [V, 3]."""
    parts = motion.coefficients.split(_CHUNK)
    return torch.cat([render(rest + Motion(part, motion.basis).offsets()) for part in parts])


def at_rate(motion: Motion, fps: float) -> Motion:
    """The motion at the lip reader's 25 frames a second."""
    if fps == FPS:
        return motion
    count = max(1, round(len(motion.coefficients) * FPS / fps))
    positions = (torch.arange(count) + 0.5) * fps / FPS - 0.5
    return Motion(sample_curves(motion.coefficients, positions), motion.basis)
