"""Pitch against voices whose pitch is known."""

from dataclasses import dataclass

import numpy as np
import pytest
from voices import glides, sing

from audio2mesh.prosody.listener import prosody_of
from audio2mesh.prosody.pitch import HOP
from audio2mesh.training.augment import make_music

SEEDS = range(9)
TILTS = (0.0, 6.0, 12.0)


@dataclass(frozen=True)
class Errors:
    """Shares of frames."""

    gross: float  # pitch more than 20 % off
    octave: float
    voicing: float
    cents: float  # median distance


def errors(found: np.ndarray, f0: np.ndarray) -> Errors:
    true = f0[: len(f0) // HOP * HOP].reshape(-1, HOP)
    share = (true > 0).mean(axis=1)
    found = found[: len(true)]
    voiced = ~np.isnan(found)
    both = voiced & (share == 1)
    off = np.log2(found[both] / true[both, HOP // 2])
    octave = (np.abs(off - off.round()) < 0.1) & (off.round() != 0)
    return Errors(
        gross=float((np.abs(2**off - 1) > 0.2).mean()),
        octave=float(octave.mean()),
        voicing=float((voiced != (share > 0.5)).mean()),
        cents=1200 * float(np.median(np.abs(off))),
    )


def mean_errors(noise: str) -> Errors:
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        f0 = glides(8, rng)
        sound = sing(f0, TILTS[seed % 3], rng, formants=seed % 2 == 0)
        if noise == "white noise":
            sound = sound + 0.01 * rng.standard_normal(len(sound))
        if noise == "music":
            sound = sound + 0.01 * make_music(len(sound), rng)
        found.append(errors(prosody_of(sound).f0, f0))
    names = vars(found[0])
    return Errors(**{name: float(np.mean([getattr(e, name) for e in found])) for name in names})


@pytest.mark.parametrize("noise", ["none", "white noise"])
def test_pitch_of_gliding_voices(noise: str):
    mean = mean_errors(noise)
    assert mean.gross < 0.005 and mean.octave < 0.005
    assert mean.voicing < 0.03
    assert mean.cents < 3


def test_pitch_over_music():
    """20 dB under the voice; in the pauses music is a voice like any other."""
    mean = mean_errors("music")
    assert mean.gross < 0.02 and mean.octave < 0.02


@pytest.mark.parametrize("hz", [65, 80, 123.4, 250, 400, 490])
def test_a_steady_pitch_is_exact(hz: float):
    sound = sing(np.full(16_000, hz), 6, np.random.default_rng(0))
    found = prosody_of(sound).f0[5:-5]
    assert np.abs(1200 * np.log2(found / hz)).max() < 3


def test_semitones_are_over_the_speakers_median():
    f0 = np.repeat([100.0, 100.0, 200.0, 100.0], 16_000)
    pitch = prosody_of(sing(f0, 6, np.random.default_rng(0))).pitch
    assert np.nanmedian(pitch[:190]) == pytest.approx(0, abs=0.2)
    assert np.nanmedian(pitch[220:280]) == pytest.approx(12, abs=0.2)


def test_noise_has_no_pitch():
    noise = 0.1 * np.random.default_rng(0).standard_normal(5 * 16_000)
    assert np.isnan(prosody_of(noise).f0).mean() > 0.99
