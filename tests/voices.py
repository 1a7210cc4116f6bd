"""Made-up voices whose pitch and accents are known."""

import numpy as np
from numpy.typing import NDArray

RATE = 16_000

Floats = NDArray[np.floating]


def sing(f0: Floats, tilt: float, rng: np.random.Generator, formants: bool = True) -> Floats:
    """A voice [S] of RMS 0.1 where it sounds; f0 [S] in Hz, 0 where it is silent.

    tilt: dB by which overtones fall an octave; formants: three resonances drawn at random.
    """
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    peaks = [(rng.uniform(300, 800), 80), (rng.uniform(900, 2200), 120), (2700, 200)]
    sound = np.zeros(len(f0))
    for k in range(1, int(4000 / f0[f0 > 0].min()) + 1):
        amplitude = np.full(len(f0), k ** (-tilt / 6.02))
        for centre, width in peaks if formants else []:
            amplitude *= 1 + 8 / (1 + ((k * f0 - centre) / width) ** 2)
        sound += np.where((f0 > 0) & (k * f0 < 7600), amplitude * np.sin(k * phase), 0)
    return 0.1 * sound / np.sqrt(np.square(sound[f0 > 0]).mean())


def glides(seconds: float, rng: np.random.Generator) -> Floats:
    """f0 [S] in Hz of voiced stretches between 80 and 400 Hz that glide, some with vibrato."""
    f0 = np.zeros(int(seconds * RATE))
    base = np.exp(rng.uniform(np.log(100), np.log(320)))
    first = RATE // 3
    while first < len(f0) - RATE // 2:
        t = np.arange(min(int(rng.uniform(0.15, 1.2) * RATE), len(f0) - first)) / RATE
        start, end = np.clip(base * 2 ** rng.uniform(-0.4, 0.4, 2), 80, 400)
        waves = np.sin(2 * np.pi * rng.uniform(4, 7) * t) * rng.choice([0, 0.5, 1]) / 12
        glide = start * (end / start) ** (t / t[-1]) * 2**waves
        f0[first : first + len(t)] = np.clip(glide, 80, 400)
        first += len(t) + int(rng.uniform(0.05, 0.4) * RATE)
    return f0


def utterance(
    phrases: list[int], accented: list[int], rng: np.random.Generator, hz: float = 120.0
) -> tuple[Floats, list[tuple[float, float]], list[float]]:
    """Sound [S], starts and ends of its phrases, and the starts of all its vowels, in seconds.

    phrases: syllables of each; accented: which of all syllables are 5 semitones higher, 5 dB
    louder and longer. A syllable is noise for 60 ms and a vowel for 120 ms (accented 200 ms), with
    a falling line of pitch; the pauses last 0.5 s.
    """
    parts, spans, vowels, time, number = [np.zeros(RATE // 2)], [], [], 0.5, 0
    for count in phrases:
        begun = time
        for _ in range(count):
            stressed = number in accented
            line = hz * 2 ** ((1.5 - (time - begun) + 5 * stressed) / 12)
            vowels.append(time + 0.06)
            loud = 10 ** (5 / 20 * stressed)
            t = np.linspace(0, 1, int((0.2 if stressed else 0.12) * RATE))
            vowel = sing(line * 2 ** (-t / 12), 6, rng) * loud
            vowel *= np.minimum(1, np.minimum(t, 1 - t) * 10)
            parts += [0.01 * rng.standard_normal(int(0.06 * RATE)), vowel]
            time += 0.06 + len(t) / RATE
            number += 1
        spans.append((begun, time))
        parts.append(np.zeros(RATE // 2))
        time += 0.5
    return np.concatenate(parts), spans, vowels
