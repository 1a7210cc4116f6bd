"""How emotions come, stay and go."""

import math
from dataclasses import replace

import pytest
import torch

from avatar.behaviour.emotion_face import express, mean_emotion_style, presence
from avatar.behaviour.emotion_presets import EMOTIONS, OWN, Emotion, EmotionStyle, Envelope
from avatar.behaviour.emotion_timeline import EmotionSegment, parse_emotions

FPS = 50.0
SHORT = Emotion(
    {"jawOpen": 0.5}, Envelope(onset=0.4, apex=1.0, settled=0.5, offset=0.8), speech=1.2
)


def test_onset_apex_what_stays_and_offset():
    seconds = torch.arange(0, 8, 1 / FPS, dtype=torch.float64)
    level = presence(EmotionSegment(SHORT, 1.0, 1.0, 5.0), seconds)

    def at(second: float) -> float:
        return float(level[round(second * FPS)])

    assert at(0.98) == 0
    assert at(1.2) == pytest.approx(0.5)
    assert at(1.4) == at(2.4) == pytest.approx(1)
    assert at(3.2) == at(5.0) == pytest.approx(0.5)
    assert at(5.4) == pytest.approx(0.25)
    assert at(5.8) == 0
    assert level.diff().abs().max() < 1.5 / (0.4 * FPS) + 1e-9  # no jump


def test_what_a_recording_begins_with_is_there_at_once_and_stays_to_its_end():
    level = presence(
        EmotionSegment(EMOTIONS["angry"], 1.0, 0.0, math.inf), torch.tensor([0.0, 600.0])
    )
    assert level.tolist() == [1, 1]


def test_emotions_add_up_and_do_not_exceed_a_unit():
    felt = express(
        (EmotionSegment(SHORT, 1.0, 0.0, 9.0), EmotionSegment(SHORT, 0.5, 0.0, 9.0)), 10, FPS
    )
    assert felt.units["jawOpen"] == pytest.approx(torch.full((10,), 0.75))
    assert felt.speech == pytest.approx(torch.full((10,), 1.3))
    double = (EmotionSegment(SHORT, 1.0, 0.0, 9.0),) * 3
    assert float(express(double, 10, FPS).units["jawOpen"].max()) == 1


def test_the_same_whatever_the_first_frame():
    emotions = parse_emotions("happy:0.5,fear:0.4")
    whole, part = express(emotions, 100, FPS), express(emotions, 30, FPS, first=70)
    for name, weight in whole.units.items():
        assert torch.equal(weight[70:], part.units[name])


@pytest.mark.parametrize("name", [name for name in EMOTIONS if name != "neutral"])
def test_units_grow_with_intensity(name: str):
    weak, strong = (express(parse_emotions(name, level), 50, FPS) for level in (0.3, 0.9))
    for unit in EMOTIONS[name].units:
        assert (strong.units[unit] > weak.units[unit]).all()


def test_manner_follows_what_is_felt_and_how_long():
    assert mean_emotion_style((), 10.0) == EmotionStyle()
    assert mean_emotion_style(parse_emotions("angry"), 10.0).head == pytest.approx(2.0)
    assert mean_emotion_style(parse_emotions("angry", 0.5), 10.0).blinks == pytest.approx(0.85)
    half = (EmotionSegment(replace(EMOTIONS["angry"], envelope=OWN), 1.0, 0.0, 5.0),)
    assert mean_emotion_style(half, 10.0).head == pytest.approx(1.5, abs=0.06)
    both = mean_emotion_style(parse_emotions("happy:0.5,surprise:0.5"), 1.0)
    assert both.head == pytest.approx(1 + 0.5 * 0.35 + 0.5 * 0.25)
