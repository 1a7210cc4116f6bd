"""Prosody of a made-up voice: phrases with a melody, pauses, and accents where it is highest."""

import numpy as np

from audio2mesh.prosody.record import Accent, Phrase, Prosody


def talking(seconds: float, seed: int = 0) -> Prosody:
    """Phrases of 1 to 3 s with pauses of 0.3 to 1.1 s between them, from half a second on."""
    rng = np.random.default_rng([seed, 1])
    frames = round(seconds * 100)
    pitch, energy = np.full(frames, np.nan, np.float32), np.full(frames, -60.0, np.float32)
    phrases, accents, start = [], [], 50
    while start < frames - 100:
        length = int(min(rng.uniform(100, 300), frames - start - 20))
        t = np.arange(length) / 100
        swings = [rng.uniform(0.6, 2) * np.sin(2 * np.pi * (f * t + rng.random())) for f in _WAVES]
        melody = 1.5 - 1.5 * t / t[-1] + np.sum(swings, axis=0)
        voiced = np.sin(2 * np.pi * (4 * t + rng.random())) > -0.6
        pitch[start : start + length] = np.where(voiced, melody, np.nan)
        energy[start : start + length] = np.where(voiced, -6, -20) + rng.normal(0, 2, length)
        top = start + int(melody.argmax())
        accents.append(Accent(top / 100, float(rng.uniform(0.8, 2.5))))
        phrases.append(Phrase(start / 100, (start + length) / 100))
        start += length + int(rng.uniform(30, 110))
    speaking = np.zeros(frames, bool)
    for phrase in phrases:
        speaking[round(phrase.start * 100) : round(phrase.end * 100)] = True
    f0 = (120 * 2 ** (pitch / 12)).astype(np.float32)
    return Prosody(f0, pitch, energy, speaking, tuple(phrases), tuple(accents))


_WAVES = (0.5, 1.1, 2.3)  # Hz
