"""Lip-reading rendered mouths as a measure of motion."""

from collections.abc import Mapping

import torch
from torch import Tensor

from audio2mesh.data.phones import SILENCE
from audio2mesh.lipreading import LipReadNet, phone_error_rate
from audio2mesh.lipreading.decoding import edit_distance, log_probabilities
from audio2mesh.lipreading.network import FPS
from audio2mesh.model.motion import Motion, sample_curves
from avatar.heads import Head
from common.errors import InputError
from research.corpus.align import pronunciations
from research.evaluation.speech.articulation import Score
from research.evaluation.speech.measures import Judge
from research.evaluation.speech.recordings import Material, Recording
from research.lipreading.render import MouthRenderer, mouth_renderer
from research.lipreading.words import read_words, sentence_form

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
