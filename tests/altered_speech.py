"""Speech as it reaches a microphone, or as others say it: mono [S] at 16 kHz in, the same out."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz
from scipy.signal import butter, lfilter, sosfiltfilt

from audio2mesh.training.augment import active_rms, shift_pitch

Sound = NDArray[np.floating]

RATE = 16_000
_FRAME, _HOP = 480, 240  # samples; Hann windows half-way apart add up to one
_ORDER = 18  # of linear prediction
_A4 = 440.0
_CHORDS = ((-9, -5, -2), (-12, -9, -5), (-16, -12, -9), (-14, -10, -7))  # C, Am, F, G; from A4


def with_background(speech: Sound, background: Sound, decibels: float) -> Sound:
    """Speech over a background that is so many decibels softer than the active speech."""
    level = active_rms(speech) * 10 ** (-decibels / 20)
    return speech + background * level / np.sqrt(np.square(background).mean())


def noise(samples: int, seed: int = 0) -> Sound:
    """White noise of RMS 1."""
    return np.random.default_rng(seed).standard_normal(samples)


def music(samples: int, seed: int = 0) -> Sound:
    """A song without a voice at 120 beats a minute: chords, bass, drums and a melody; peak 0.5."""
    rng = np.random.default_rng(seed)
    beats = -(-samples // (RATE // 2)) + 1
    song = np.zeros((beats + 2) * RATE // 2)
    for beat in range(beats):
        chord = _CHORDS[beat // 4 % len(_CHORDS)]
        tune = int(rng.choice([0, 2, 4, 7, 9]))
        parts = [0.6 * _hihat(rng), _drum(rng, snare=bool(beat % 2))]
        parts += [0.3 * _note(step, 0.45) for step in chord]
        parts += [0.8 * _note(chord[0] - 24, 0.4), 0.7 * _note(tune + 3, 0.5, vibrato=0.006)]
        for part in parts:
            song[beat * RATE // 2 :][: len(part)] += part
    return 0.5 * song[:samples] / np.abs(song[:samples]).max()


def _note(semitones: float, seconds: float, vibrato: float = 0.0) -> Sound:
    """A plucked tone with falling overtones, so many semitones from A4."""
    t = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * _A4 * 2 ** (semitones / 12) * (t + vibrato / 30 * np.sin(2 * np.pi * 5 * t))
    tone = sum(np.sin(k * phase) / k**1.5 for k in range(1, 9))
    ends = np.minimum(t / 0.01, 1) * np.minimum(20 * (seconds - t), 1)
    return np.asarray(tone) * np.exp(-3 * t) * ends


def _drum(rng: np.random.Generator, snare: bool) -> Sound:
    """A snare, or a bass drum whose pitch falls."""
    t = np.arange(round(0.2 * RATE)) / RATE
    if snare:
        rattle = 0.8 * rng.standard_normal(len(t)) * np.exp(-25 * t)
        return rattle + np.sin(360 * np.pi * t) * np.exp(-30 * t)
    return 2 * np.sin(2 * np.pi * (50 * t + 4 * (1 - np.exp(-25 * t)))) * np.exp(-12 * t)


def _hihat(rng: np.random.Generator) -> Sound:
    t = np.arange(round(0.08 * RATE)) / RATE
    return np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-60 * t)


def telephone(speech: Sound) -> Sound:
    """300 to 3400 Hz, eight bits by the µ-law."""
    band = butter(6, (300, 3400), "band", fs=RATE, output="sos")
    narrow = np.asarray(sosfiltfilt(band, speech))
    scale = np.abs(narrow).max()
    pressed = np.sign(narrow) * np.log1p(255 * np.abs(narrow) / scale) / np.log(256)
    coded = np.round(pressed * 127) / 127
    return np.sign(coded) * np.expm1(np.abs(coded) * np.log(256)) / 255 * scale


def whisper(speech: Sound, seed: int = 0) -> Sound:
    """The vocal tract's resonances sounded by noise; without the low end that the voice has."""
    hiss = noise(len(speech), seed)
    spoken = np.zeros(len(speech) + _FRAME)
    for start, frame, tract in _tracts(speech):
        strength = np.sqrt(np.square(lfilter(tract, [1.0], frame)).mean())
        excitation = strength * hiss[start : start + _FRAME]
        spoken[start : start + _FRAME] += lfilter([1.0], tract, excitation)[:_FRAME] * _window()
    tilted = np.asarray(lfilter([1.0, -0.7], [1.0], spoken[: len(speech)]))
    return tilted * active_rms(speech) / active_rms(tilted)


def child(speech: Sound) -> Sound:
    """Eight semitones higher, and resonances by a fifth, as of a shorter vocal tract."""
    source = np.zeros(len(speech) + _FRAME)
    for start, frame, tract in _tracts(speech):
        source[start : start + _FRAME] += lfilter(tract, [1.0], frame) * _window()
    raised = shift_pitch(source[: len(speech)], 5.0)
    spoken = np.zeros(len(speech) + _FRAME)
    for start, _, tract in _tracts(speech):
        piece = np.asarray(lfilter([1.0], tract, raised[start : start + _FRAME]))
        spoken[start : start + _FRAME] += piece * _window()
    return shift_pitch(spoken[: len(speech)], 3.0)


def _window() -> Sound:
    return np.hanning(_FRAME + 1)[:-1]


def _tracts(speech: Sound) -> Iterator[tuple[int, Sound, Sound]]:
    """Start, samples and linear-prediction polynomial [19] of every whole frame."""
    for start in range(0, len(speech) - _FRAME, _HOP):
        frame = speech[start : start + _FRAME]
        seen = frame * _window()
        correlation = np.correlate(seen, seen, "full")[_FRAME - 1 : _FRAME + _ORDER]
        correlation[0] = correlation[0] * 1.0001 + 1e-9
        prediction = solve_toeplitz(correlation[:-1], correlation[1:])
        yield start, frame, np.concatenate([[1.0], -prediction])
