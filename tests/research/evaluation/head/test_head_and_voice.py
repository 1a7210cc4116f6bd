"""Measures of how a head moves with a voice, on motion that is made to do so."""

import numpy as np
import pytest
from made_up_prosody import talking

from audio2mesh.prosody.record import Accent, Phrase
from avatar.behaviour.speech_events import least_jerk
from research.evaluation.head import events, voice

VOICE, FPS = talking(60), 100.0
FRAMES = len(VOICE)


def still() -> np.ndarray:
    return np.zeros((FRAMES, 3))


def dips(times: list[float], degrees: float = 2.5, seconds: float = 0.3) -> np.ndarray:
    """[F, 3] of a head that nods, lowest at some times."""
    head, half = still(), round(seconds * FPS / 2)
    shape = -degrees * np.concatenate([least_jerk(np.arange(half) / half), np.ones(1)])
    for time in times:
        low = round(time * FPS)
        head[low - half : low + half + 1, 1] += np.concatenate([shape, shape[-2::-1]])
    return head


def test_a_head_that_follows_the_voice_correlates_and_another_does_not():
    told = voice.features(VOICE, FRAMES, FPS)
    own, strange = voice.correlations(told[:, :3], FPS, VOICE)
    assert own.min() > 0.999 and np.median(strange) < 0.9
    noise = np.random.default_rng(0).normal(size=(FRAMES, 3))
    own, strange = voice.correlations(noise, FPS, VOICE)
    assert abs(np.median(own) - np.median(strange)) < 0.1 and np.median(own) < 0.4


def test_canonical_correlation_finds_the_best_mixture():
    rng = np.random.default_rng(0)
    shared, noise = rng.normal(size=400), rng.normal(size=(400, 4))
    x = np.stack([noise[:, 0], shared + noise[:, 0]], 1)
    y = np.stack([noise[:, 1], shared + noise[:, 1], noise[:, 2]], 1)
    assert voice.canonical_correlation(x, y) > 0.999
    assert voice.canonical_correlation(x[:, :1], y) < 0.2
    assert voice.canonical_correlation(0 * x, y) == 0


def test_pieces_last_two_to_four_seconds():
    phrases = [Phrase(0, 0.8), Phrase(1, 2.5), Phrase(3, 12), Phrase(14, 15)]
    found = [(p.start, p.end) for p in voice.pieces(phrases)]
    assert found == [(0, 2.5), (3, 6), (6, 9), (9, 12)]
    assert all(2 <= p.end - p.start <= 4 for p in voice.pieces(VOICE.phrases))


@pytest.mark.parametrize(("lead", "share"), [(0.2, 1.0), (-0.2, 0.0)])
def test_who_sets_out_first_is_found(lead: float, share: float):
    head, onsets = still(), [p.start for p in VOICE.phrases]
    for number, onset in enumerate(onsets):
        first = round((onset - lead) * FPS)
        way = 5.0 * (-1) ** number * least_jerk(np.arange(60) / 60)
        head[first : first + 60, 0] += way
        head[first + 60 :, 0] += way[-1]
    assert voice.led(head, FPS, onsets) == share
    moments = np.random.default_rng(0).uniform(1, 59, 500).tolist()
    assert voice.led(head, FPS, moments) == pytest.approx(0.5, abs=0.12)


def test_nods_are_found_with_their_size_and_length():
    times = [5.0, 9.3, 20.1]
    found = voice.nods(dips(times)[:, 1] + np.sin(np.arange(FRAMES) / 200), FPS)
    assert found.times == pytest.approx(times, abs=0.03)
    assert found.degrees == pytest.approx(2.5, rel=0.25)
    assert found.seconds == pytest.approx(0.3, abs=0.08)
    accents = [Accent(t - 0.1, 2.0) for t in (*times, 40.0)]
    near = voice.share_near(found.times, [a.time for a in accents], voice.NOD_NEAR)
    assert near == 0.75


def test_rests_are_pauses_of_some_length():
    resting = voice.resting_frames(VOICE, FRAMES, FPS)
    assert not (resting & VOICE.speaking).any()
    ends = {
        round(p.end, 2): q.start for p, q in zip(VOICE.phrases, VOICE.phrases[1:], strict=False)
    }
    for end, start in ends.items():
        inside = resting[round(100 * end) : round(100 * start)]
        assert inside.all() if start - end >= voice.REST_SECONDS else not inside.any()


def test_blinks_and_raises_are_found():
    blink, brow = np.zeros(FRAMES), np.zeros(FRAMES)
    for second in (3, 8, 9, 30):
        blink[100 * second : 100 * second + 15] = 1
        brow[100 * second : 100 * second + 40] = 0.4
    assert events.blink_times(blink, FPS).tolist() == [3, 8, 9, 30]
    found = events.raises(brow, FPS)
    assert found.seconds == pytest.approx(0.4)
    accents = [Accent(t + 0.1, 1.0) for t in (3, 8, 9, 30)]
    assert events.early(found, accents) == pytest.approx(0.1)
    assert np.isnan(events.early(found, []))


def test_glances_are_measured():
    look = np.zeros((FRAMES, 2))
    for start, degrees in zip(range(500, 5500, 500), range(3, 23, 2), strict=True):
        length = round(100 * (0.025 + 0.0024 * degrees))
        way = degrees * least_jerk(np.arange(length) / length)
        look[start : start + length, 0] = way
        look[start + length : start + 100, 0] = degrees
        look[start + 100 : start + 100 + length, 0] = way[::-1]
    found = events.glances(look, FPS)
    assert found["away_seconds"] == pytest.approx(1.0, abs=0.1)
    assert found["looking_seconds"] == pytest.approx(4.0, abs=0.1)
    assert found["looking"] == pytest.approx(0.83, abs=0.03)
    assert found["saccades"] == pytest.approx(0.6)
    assert found["saccade_seconds"] == pytest.approx(0.049, abs=0.015)
