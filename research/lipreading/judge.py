"""Lip-reading rendered mouths as a measure of motion."""

import torch

from audio2mesh.data.phones import SILENCE
from audio2mesh.evaluation.articulation import Score
from audio2mesh.evaluation.measures import Judge
from audio2mesh.evaluation.recordings import Material, Recording
from audio2mesh.lipreading import LipReadNet
from audio2mesh.lipreading.network import FPS
from audio2mesh.model.motion import Motion, sample_curves
from avatar.heads import Head
from avatar.lipreading.critic import lipreading_per
from avatar.lipreading.render import mouth_renderer
from common.errors import InputError


def lip_reading_judge(net: LipReadNet, head: Head, material: Material) -> Judge:
    """Phone error rate `per` of what a lip reader makes of the motion; phones count alike.

    InputError for material of another topology than the head that is drawn.
    """
    if material.topology != head.topology:
        raise InputError(
            f"lip reading draws {head.topology}, but the data are of {material.topology}; "
            "leave --lip-reading out"
        )
    render = mouth_renderer(head)

    def judge(motion: Motion, recording: Recording, fps: float) -> dict[str, Score]:
        spoken = sum(phone.label != SILENCE for phone in recording.phones)
        if not spoken:
            return {}
        rate = lipreading_per(net, render, at_rate(motion, fps), head.vertices, recording.phones)
        return {"per": Score(rate, spoken)}

    return judge


def at_rate(motion: Motion, fps: float) -> Motion:
    """The motion at the lip reader's 25 frames a second."""
    if fps == FPS:
        return motion
    count = max(1, round(len(motion.coefficients) * FPS / fps))
    positions = (torch.arange(count) + 0.5) * fps / FPS - 0.5
    return Motion(sample_curves(motion.coefficients, positions), motion.basis)
