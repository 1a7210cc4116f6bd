"""Habits of a film beside what the generator does with the same sound."""

import numpy as np
import pytest
import torch
from torch import Tensor

from audio2mesh.prosody.listener import prosody_of
from avatar.behaviour.motion import Behaviour
from avatar.behaviour.performance import live
from avatar.behaviour.style import SPEAKER, scaled
from avatar.drive.habits import SpokenTake, blink_count, habits_of
from avatar.geometry.rotations import head_angles
from avatar.heads import load_head

FPS = 25.0


def made_up(voice: np.ndarray, seed: int, **habits: float) -> SpokenTake:
    """A minute of somebody who lives as the generator does, with other habits."""
    sound = np.tile(voice, 6)[: 60 * 16_000]
    frames = round(len(sound) / 16_000 * FPS)
    behaviour = Behaviour(scaled(SPEAKER, **habits), take=seed)
    life = live(prosody_of(sound), FPS, frames, load_head().pivot, behaviour)
    head = head_angles(life.head_pose).double()
    lids = life.unit_weights["eyeBlinkLeft"]
    return SpokenTake(("jawOpen",), torch.zeros(frames, 1), head, lids, FPS, sound)


def test_nobody_in_particular_has_the_generators_habits(voice: np.ndarray):
    found = habits_of(made_up(voice, seed=11))
    assert found["head"] == pytest.approx(1, abs=0.2)
    assert found["blinks"] == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_habits_are_found(voice: np.ndarray, factor: float):
    found = habits_of(made_up(voice, seed=12, head=factor, blinks=factor))
    for name in ("head", "blinks"):
        assert np.log(found[name]) / np.log(factor) > 0.4, (name, found)
        assert 0.5 <= found[name] <= 2.0


def test_of_a_short_film_they_are_smaller(voice: np.ndarray):
    long = made_up(voice, seed=13, head=2.0)
    weights, head, lids = (part[:250] for part in (long.weights, long.head, long.lids))
    short = SpokenTake(long.names, weights, head, lids, FPS, long.sound)
    assert habits_of(short)["head"] < habits_of(long)["head"]


def test_lids_that_stay_shut_blinked_once():
    lids: Tensor = torch.tensor([0, 0.9, 0.9, 0.9, 0.2, 0.4, 0.8, 0.1])
    assert blink_count(lids) == 2
