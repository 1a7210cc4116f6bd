"""Phrases and accents of made-up utterances."""

from dataclasses import replace

import numpy as np
import pytest
from voices import utterance

from audio2mesh.prosody.events import AccentFinder, Settled
from audio2mesh.prosody.listener import prosody_of

PHRASES = [6, 9, 4, 10, 7]
ACCENTED = [2, 8, 13, 16, 22, 27, 31]


@pytest.fixture(scope="module", params=[0, 1, 2])
def heard(request: pytest.FixtureRequest):
    rng = np.random.default_rng(request.param)
    sound, spans, vowels = utterance(PHRASES, ACCENTED, rng, hz=rng.uniform(90, 220))
    return prosody_of(sound + 0.0005 * rng.standard_normal(len(sound))), spans, vowels


def test_phrases(heard):
    found, spans, _ = heard
    assert len(found.phrases) == len(spans)
    for phrase, (start, end) in zip(found.phrases, spans, strict=True):
        assert phrase.start == pytest.approx(start, abs=0.06)
        assert phrase.end == pytest.approx(end, abs=0.06)


def test_speaking_is_within_phrases(heard):
    found, *_ = heard
    expected = np.zeros(len(found), bool)
    for phrase in found.phrases:
        expected[round(100 * phrase.start) : round(100 * phrase.end)] = True
    assert np.array_equal(found.speaking, expected)


def test_a_pause_under_180_ms_is_none():
    sound, *_ = utterance([4, 4], [], np.random.default_rng(0))
    start = np.flatnonzero(sound)[0]
    speech = sound[start : start + int(4 * 0.18 * 16_000)]
    gap = np.zeros(int(0.12 * 16_000))
    silence = np.zeros(8000)
    assert len(prosody_of(np.concatenate([silence, speech, gap, speech, silence])).phrases) == 1
    gap = np.zeros(int(0.26 * 16_000))
    assert len(prosody_of(np.concatenate([silence, speech, gap, speech, silence])).phrases) == 2


def test_accents_are_on_the_accented_vowels(heard):
    """But for the first ones, by which the speaker is learned."""
    found, _, vowels = heard
    true = np.array([vowels[i] for i in ACCENTED])
    times = np.array([accent.time for accent in found.accents])
    nearest = np.abs(times[:, None] - true).min(axis=1)
    assert np.mean(nearest < 0.05) >= 0.85
    assert np.mean(np.abs(true[:, None] - times).min(axis=1) < 0.05) >= 0.85


def test_a_vowel_is_accented_once():
    """One that swells twice has two loudest moments."""
    settled = Settled(-8.0, 0.0, 1.0, nucleus=False)
    finder = AccentFinder()
    for _ in range(5):
        finder.push(replace(settled, nucleus=True, level=-20.0, pitch=-6.0))
    swells = [replace(settled, level=0.0, pitch=8.0, nucleus=k in (4, 12)) for k in range(17)]
    vowel = [finder.push(frame) for frame in [*swells, *[replace(settled, level=-60.0)] * 20]]
    assert sum(accent is not None for accent in vowel) == 1
