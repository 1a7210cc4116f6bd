"""The compiled difference function against the obvious one."""

import numpy as np

from audio2mesh.prosody.pitch import LOOKAHEAD, difference

WINDOW, STEP = 240, 80


def naive(sound: np.ndarray, centre: int, lag: int) -> float:
    first = centre - WINDOW // 2 - lag // 2
    a, b = sound[first : first + WINDOW], sound[first + lag : first + lag + WINDOW]
    return float(((a - b) ** 2).sum() / ((a**2).sum() + (b**2).sum()))


def test_difference_is_that_of_two_windows():
    frames = 3
    sound = np.random.default_rng(0).standard_normal(STEP * (frames + 2 * LOOKAHEAD))
    found = difference(sound.astype(np.float32), frames)
    for t in range(frames):
        centre = (t + LOOKAHEAD) * STEP + STEP // 2
        expected = [naive(sound, centre, lag) for lag in range(15, found.shape[1])]
        np.testing.assert_allclose(found[t, 15:], expected, rtol=1e-4)


def test_silence_repeats_nothing():
    assert (difference(np.zeros(STEP * (1 + 2 * LOOKAHEAD), np.float32), 1) == 1).all()
