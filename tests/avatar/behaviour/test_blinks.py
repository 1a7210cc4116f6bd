"""Blinks: how often, when, and what lids do."""

import numpy as np
import pytest

from avatar.behaviour.blinks import Blinks, lid_closure
from avatar.behaviour.style import READER, SPEAKER, StyleParams

PHRASE, PAUSE = 2.0, 0.6  # seconds, again and again


def blinking(style: StyleParams, seconds: float) -> np.ndarray:
    """Closure [F], 100 frames a second, while phrases end."""
    blinks, period = Blinks(style, np.random.default_rng(0)), PHRASE + PAUSE
    closure = []
    for frame in range(round(100 * seconds)):
        now = frame / 100
        if frame % round(100 * period) == 100:
            blinks.end(now - 1.0 + PHRASE)
        closure.append(blinks.step(now))
    return np.array(closure)


def starts(closure: np.ndarray) -> np.ndarray:
    """Seconds at which lids are half shut."""
    return np.flatnonzero(np.diff((closure > 0.5).astype(int)) == 1) / 100


@pytest.mark.parametrize("style", [SPEAKER, READER], ids=["speaker", "reader"])
def test_blinks_are_as_many_as_they_should_be_and_gather_where_phrases_end(style: StyleParams):
    found = starts(blinking(style, 1800))
    assert len(found) / 30 == pytest.approx(style.blinks_a_minute, rel=0.25)
    apart = np.diff(found)
    assert apart.min() > 0.4 and 0.5 < apart.std() / apart.mean() < 1.2
    near = np.abs((found - PHRASE + 1) % (PHRASE + PAUSE) - 1) <= 0.35
    chance = 0.7 / (PHRASE + PAUSE)
    assert near.mean() > 1.8 * chance


def test_the_eyes_seldom_shift_far_without_a_blink():
    rates = {}
    for degrees in (5.0, 20.0, 40.0):
        blinks = Blinks(SPEAKER, np.random.default_rng(0))
        shut = 0
        for number in range(400):
            blinks.shift(degrees, 2.0 * number)
            shut += blinks.step(2.0 * number + 0.09) > 0.5
        rates[degrees] = shut / 400
    assert rates[5.0] < 0.05 and 0.5 < rates[20.0] < 0.7 and rates[40.0] > 0.93


def test_a_lid_closes_fully_and_opens_more_slowly_than_it_closes():
    t = np.linspace(-0.1, 0.6, 701)
    closure = lid_closure(t)
    assert closure[0] == closure[-1] == 0
    assert closure.max() == 1
    half = t[closure > 0.5]
    peak = t[closure == 1]
    assert half[-1] - peak[-1] > peak[0] - half[0]
