"""Changes to the sound of training windows that leave the motion as it is; and synthetic music, on
which a face keeps its mouth shut.

Every function takes audio [S] float32 at 16 kHz and a random generator, and returns audio [S].
"""

import numpy as np
from scipy.fft import next_fast_len
from scipy.signal import fftconvolve, istft, resample, stft

from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.training.options import AugmentOptions

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


def augment(
    audio: np.ndarray, voices: list[np.ndarray], options: AugmentOptions, rng: np.random.Generator
) -> np.ndarray:
    """A random change of everything; `voices` are recordings to take murmur from."""
    if rng.random() < options.clean:
        return audio
    level = active_rms(audio) or 0.05
    audio = shift_pitch(audio, rng.uniform(-options.pitch, options.pitch))
    if rng.random() < options.reverberation:
        audio = reverberate(audio, rng)
    if rng.random() < options.noise:
        snr = rng.uniform(*options.snr)
        audio = audio + level * 10 ** (-snr / 20) * make_noise(len(audio), voices, rng)
    audio = tilt(audio, rng)
    if rng.random() < options.band:
        audio = limit_band(audio, rng)
    return change_gain(audio, options.gain, rng)


def fast_length(samples: int) -> int:
    """The smallest number from `samples` on that Fourier transforms are fast for."""
    length = next_fast_len(samples)
    assert length is not None
    return length


def active_rms(audio: np.ndarray) -> float:
    """RMS of the 20 ms blocks less than 20 dB under the loudest."""
    blocks = np.square(audio[: len(audio) // 320 * 320].reshape(-1, 320)).mean(1)
    return float(np.sqrt(blocks[blocks >= 0.01 * blocks.max()].mean()))


def change_gain(audio: np.ndarray, decibels: float, rng: np.random.Generator) -> np.ndarray:
    """Louder or softer by up to `decibels`, clipped to [-1, 1] as a recorder does."""
    gain = 10 ** (rng.uniform(-decibels, decibels) / 20)
    return np.clip(audio * gain, -1, 1).astype(np.float32)


def make_noise(samples: int, voices: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Noise of RMS 1: coloured, mains hum over coloured, the murmur of several voices, or music."""
    kind = rng.choice(["coloured", "hum", "murmur", "music"], p=[0.4, 0.1, 0.2, 0.3])
    if kind == "music":
        return make_music(samples, rng)
    noise = coloured_noise(samples, rng.uniform(0, 2), rng)
    if kind == "hum":
        noise = 0.3 * noise + _hum(samples, rng)
    if kind == "murmur":
        noise = 0.1 * noise + _murmur(samples, voices, rng)
    return (noise / (np.sqrt(np.square(noise).mean()) + 1e-9)).astype(np.float32)


def coloured_noise(samples: int, exponent: float, rng: np.random.Generator) -> np.ndarray:
    """Noise whose power falls with frequency to the `exponent`: 0 white, 1 pink, 2 brown; RMS 1."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.maximum(np.arange(len(spectrum)), 20 * samples / SAMPLE_RATE)
    noise = np.fft.irfft(spectrum * frequency ** (-exponent / 2), samples)
    return noise / np.sqrt(np.square(noise).mean())


def _hum(samples: int, rng: np.random.Generator) -> np.ndarray:
    base, t = rng.choice([50.0, 60.0]), np.arange(samples) / SAMPLE_RATE
    phases = rng.uniform(0, 2 * np.pi, 6)
    harmonics = [np.sin(2 * np.pi * base * k * t + p) / k for k, p in enumerate(phases, 1)]
    return np.sum(harmonics, axis=0)


def _murmur(samples: int, voices: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    total = np.zeros(samples)
    for _ in range(rng.integers(4, 9)):
        voice = voices[rng.integers(len(voices))]
        length = fast_length(int(samples * rng.uniform(0.75, 1.3)))
        start = rng.integers(len(voice))
        piece = voice.take(np.arange(start, start + length), mode="wrap")
        stretched = np.asarray(resample(piece, samples))
        total += stretched / (active_rms(stretched) + 1e-6)
    return total


def reverberate(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A room: the direct sound and an exponentially decaying noise tail; the level is kept."""
    seconds = rng.uniform(0.1, 0.7)  # until the tail is 60 dB down
    tail = rng.standard_normal(int(seconds * SAMPLE_RATE))
    tail *= 10 ** (-3 * np.arange(len(tail)) / len(tail))
    tail *= rng.uniform(0.2, 1.0) / np.sqrt(np.square(tail).sum())
    tail[0] = 1.0
    wet = fftconvolve(audio, tail)[: len(audio)]
    return (wet / np.sqrt(1 + np.square(tail[1:]).sum())).astype(np.float32)


def tilt(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A smooth random colouring of the spectrum, up to about 8 dB, as microphones differ."""
    spectrum = np.fft.rfft(audio)
    bands = rng.uniform(-8, 8, 6)
    octave = np.linspace(0, 1, len(spectrum)) ** 0.5 * 5
    gain = 10 ** (np.interp(octave, np.arange(6), bands) / 20)
    return np.fft.irfft(spectrum * gain, len(audio)).astype(np.float32)


def limit_band(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A telephone or an old radio: 80-350 Hz to 2.8-5 kHz, and soft clipping."""
    spectrum = np.fft.rfft(audio)
    frequency = np.fft.rfftfreq(len(audio), 1 / SAMPLE_RATE) + 1e-3
    low, high = rng.uniform(80, 350), rng.uniform(2800, 5000)
    gain = 1 / np.sqrt(1 + (low / frequency) ** 8) / np.sqrt(1 + (frequency / high) ** 12)
    narrow = np.fft.irfft(spectrum * gain, len(audio))
    drive = rng.uniform(0.5, 4) / (np.abs(narrow).max() + 1e-6)
    return (np.tanh(narrow * drive) / drive).astype(np.float32)


def shift_pitch(audio: np.ndarray, semitones: float) -> np.ndarray:
    """Pitch and formants moved, tempo kept: a phase vocoder stretches, resampling undoes it.

    The stretch is rounded to a length that Fourier transforms are fast for, about 1 % away at most.
    """
    length = fast_length(round(len(audio) * 2 ** (semitones / 12)))
    ratio = length / len(audio)
    size, hop = 512, 128
    _, _, spectrum = stft(audio, nperseg=size, noverlap=size - hop)  # [bins, frames]
    at = np.arange(0, spectrum.shape[1] - 1, 1 / ratio)
    low = np.minimum(at.astype(int), spectrum.shape[1] - 2)  # rounding may reach the very end
    weight = at - low
    magnitude = (1 - weight) * np.abs(spectrum[:, low]) + weight * np.abs(spectrum[:, low + 1])
    advance = np.angle(spectrum[:, low + 1] * np.conj(spectrum[:, low]))
    expected = 2 * np.pi * hop * np.arange(size // 2 + 1)[:, None] / size
    advance = expected + (advance - expected + np.pi) % (2 * np.pi) - np.pi
    phase = np.cumsum(advance, axis=1) - advance + np.angle(spectrum[:, :1])
    _, stretched = istft(magnitude * np.exp(1j * phase), nperseg=size, noverlap=size - hop)
    stretched = np.pad(stretched, (0, max(0, length - len(stretched))))[:length]
    return np.asarray(resample(stretched, len(audio)), np.float32)
