"""Made-up music: sound that is no speech, on which a face keeps its mouth shut."""

import numpy as np

from audio2mesh.sound import SAMPLE_RATE

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9))


def make_music(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Music [S] of RMS 1: a tune, mostly with chords and drums, in random key, tempo and timbre."""
    beat = SAMPLE_RATE * 60 / rng.uniform(60, 180)
    scale, key = _SCALES[rng.integers(len(_SCALES))], rng.uniform(-14, 2)
    timbre = rng.uniform(0.7, 2.5)  # overtone k has an amplitude of k to the -timbre
    chords, drums = rng.random(2) < 0.75
    song = np.zeros(samples + 4 * SAMPLE_RATE)
    for start in np.arange(0, samples, beat).astype(int):
        steps = scale[rng.integers(len(scale))] + key + np.array([0, 4, 7, -12])
        notes = [(steps[0] + 12, rng.choice([0.5, 1.0, 2.0]), rng.uniform(0.4, 1))]
        notes += [(step, 1.5, 0.3) for step in steps[1:]] if chords else []
        for step, beats, loudness in notes:
            _add(song, start, loudness * _tone(step, beats * beat, timbre, rng))
        if drums:
            _add(song, start + int(rng.integers(2) * beat / 2), _drum(rng))
    song = song[:samples]
    return (song / (np.sqrt(np.square(song).mean()) + 1e-9)).astype(np.float32)


def _tone(step: float, length: float, timbre: float, rng: np.random.Generator) -> np.ndarray:
    """A tone, so many semitones from A4, plucked or held, with or without vibrato."""
    t = np.arange(int(length)) / SAMPLE_RATE
    vibrato = rng.choice([0.0, 0.004]) * np.sin(2 * np.pi * rng.uniform(4, 7) * t)
    turns = 440 * 2 ** (step / 12) * (t + vibrato / 10)
    overtones = np.arange(1, rng.integers(3, 10))
    tone = (overtones**-timbre) @ np.sin(2 * np.pi * overtones[:, None] * turns)
    attack, decay = rng.uniform(0.003, 0.05), rng.choice([0.5, 4.0])
    return tone * np.minimum(t / attack, 1) * np.exp(-decay * t) * np.minimum((t[-1] - t) * 50, 1)


def _drum(rng: np.random.Generator) -> np.ndarray:
    """A beat of noise, of a falling tone, or of both."""
    t = np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
    noise, tone = rng.uniform(0, 1, 2)
    rattle = rng.standard_normal(len(t)) * np.exp(-rng.uniform(15, 60) * t)
    return noise * rattle + 2 * tone * np.sin(
        2 * np.pi * (rng.uniform(40, 160) * t + 3 * (1 - np.exp(-30 * t)))
    ) * np.exp(-12 * t)


def _add(song: np.ndarray, start: int, part: np.ndarray) -> None:
    room = song[start : start + len(part)]
    room += part[: len(room)]
