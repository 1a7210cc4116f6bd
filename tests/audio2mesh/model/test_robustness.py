"""What the shipped weights make of speech over music and noise, of a telephone, of other voices.

The recording is `demo_voice.flac`, "And so, my fellow Americans: ask not ..", itself an old and
noisy one. The motion for the recording as it is serves as the measure.
"""

from collections.abc import Callable

import altered_speech as altered
import numpy as np
import pytest
import torch
from altered_speech import Sound

from audio2mesh import SpeechToMotion, load_model
from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.data.lips import lip_opening
from audio2mesh.model.motion import Motion
from audio2mesh.model.stream import stream_coefficients
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry

SECONDS = 8
PAUSES = ((2.35, 3.1), (4.5, 5.2))  # seconds, at least 0.1 s away from speech
SHUT = 0.15  # of the widest openings: below it the lips count as shut

CHANGES: dict[str, Callable[[Sound], Sound]] = {
    "music": lambda speech: altered.with_background(speech, altered.music(len(speech)), 10),
    "noise": lambda speech: altered.with_background(speech, altered.noise(len(speech)), 10),
    "whisper": altered.whisper,
    "telephone": altered.telephone,
    "child": altered.child,
}


@pytest.fixture(scope="module")
def model() -> SpeechToMotion:
    return load_model()


@pytest.fixture(scope="module")
def head_face() -> FaceGeometry:
    return face_geometry(load_head())


@pytest.fixture(scope="module")
def speech(voice: np.ndarray) -> Sound:
    return voice[: SECONDS * 16_000].astype(np.float64)


@pytest.fixture(scope="module")
def usual(model: SpeechToMotion, speech: Sound) -> Motion:
    return _motion(model, speech)


def _motion(model: SpeechToMotion, sound: Sound) -> Motion:
    blocks = [sound.astype(np.float32)]
    return model.motion(torch.cat(list(stream_coefficients(model, blocks))))


def _acceleration(motion: Motion, face: FaceGeometry) -> float:
    """Mean second difference of the lip vertices, metres per frame²."""
    return float(motion.offsets(face.lips).diff(n=2, dim=0).norm(dim=-1).mean())


def _widest(motion: Motion, face: FaceGeometry) -> float:
    return float(lip_opening(motion, face).quantile(0.95))


@pytest.fixture(scope="module", params=CHANGES)
def changed(request, model: SpeechToMotion, speech: Sound) -> Motion:
    return _motion(model, CHANGES[request.param](speech))


def test_speech_still_moves_the_lips_alike(changed: Motion, usual: Motion, head_face):
    openings = torch.stack([lip_opening(motion, head_face) for motion in (changed, usual)])
    assert torch.corrcoef(openings)[0, 1] > 0.85
    assert 0.7 < _widest(changed, head_face) / _widest(usual, head_face) < 1.4


def test_the_lips_are_shut_in_pauses(changed: Motion, usual: Motion, head_face):
    shut = lip_opening(changed, head_face) < SHUT * _widest(usual, head_face)
    deep = torch.cat([shut[int(start * 25) : int(end * 25) + 1] for start, end in PAUSES])
    assert deep.float().mean() >= 0.98


def test_nothing_jitters(changed: Motion, usual: Motion, head_face):
    assert _acceleration(changed, head_face) < 1.25 * _acceleration(usual, head_face)


@pytest.mark.parametrize("seed", [0, 1])
def test_music_alone_does_not_speak(model: SpeechToMotion, usual: Motion, head_face, seed: int):
    motion = _motion(model, altered.music(SECONDS * 16_000, seed))
    assert _widest(motion, head_face) < SHUT * _widest(usual, head_face)
    assert _acceleration(motion, head_face) < 0.5 * _acceleration(usual, head_face)


def test_the_sounds_are_what_they_are_called(speech: Sound):
    whole = _periodicity(speech)
    assert whole > 0.9 and _periodicity(altered.whisper(speech)) < 0.6
    assert _share_above(altered.telephone(speech), 3600) < 1e-3
    louder = altered.with_background(speech, altered.noise(len(speech)), 10) - speech
    active = altered.active_rms(speech)
    assert 20 * np.log10(active / np.sqrt(np.square(louder).mean())) == pytest.approx(10, abs=0.1)
    raised = altered.child(_hum(200.0))
    assert np.abs(np.fft.rfft(raised)).argmax() / 2 == pytest.approx(200 * 2 ** (8 / 12), rel=0.02)


def _hum(hertz: float) -> Sound:
    """Two seconds of a voice-like tone, strongest in its fundamental."""
    t = np.arange(2 * 16_000) / 16_000
    return 0.2 * np.asarray(sum(np.sin(2 * np.pi * k * hertz * t) / k**2 for k in range(1, 20)))


def _share_above(sound: Sound, hertz: float) -> float:
    power = np.square(np.abs(np.fft.rfft(sound)))
    first = round(hertz / 16_000 * len(sound))
    return float(power[first:].sum() / power.sum())


def _periodicity(sound: Sound) -> float:
    """Median over loud 40 ms of the highest normalised autocorrelation at 2 to 14 ms."""
    frames = sound[: len(sound) // 640 * 640].reshape(-1, 640)
    power = np.square(frames).mean(1)
    loud = frames[power > 0.2 * np.quantile(power, 0.95)]

    def highest(frame: Sound) -> float:
        same = [(frame[lag:] * frame[:-lag]).sum() for lag in range(32, 224)]
        both = [
            np.sqrt(np.square(frame[lag:]).sum() * np.square(frame[:-lag]).sum())
            for lag in range(32, 224)
        ]
        return float(np.max(np.array(same) / np.array(both)))

    return float(np.median([highest(frame) for frame in loud]))
