"""Arousal grows with what excitement does to a voice."""

import numpy as np
from voices import utterance

from audio2mesh.prosody.listener import prosody_of
from audio2mesh.prosody.record import arousal


def heard(accented: list[int], slow: int = 1) -> float:
    sound, *_ = utterance([7, 8, 6], accented, np.random.default_rng(0))
    return arousal(prosody_of(np.repeat(sound, slow)))


def test_accents_excite():
    assert heard([]) < heard([2, 9, 16]) < heard([1, 4, 9, 12, 16, 19])


def test_slowness_calms():
    assert heard([2, 9, 16], slow=2) < heard([2, 9, 16])


def test_nobody_speaks():
    assert arousal(prosody_of(np.zeros(16_000))) == 0
    assert arousal(prosody_of(np.zeros(0))) == 0
