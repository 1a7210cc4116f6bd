"""All that a recording is asked for comes out of one decoding."""

from pathlib import Path

import numpy as np
import pytest
import torch
from speech_models import syllables, tiny_model
from support import write_wav

from audio2mesh.model.stream import hear, stream_coefficients
from audio2mesh.prosody.listener import prosody_of
from audio2mesh.sound import waveform
from audio2mesh.sound.waveform import load_audio, stated_seconds, stream_audio

MODEL = tiny_model(moving=True)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """11.3 s at 48 kHz."""
    sound = np.repeat(syllables(11.3)[0], 3)
    return write_wav(tmp_path_factory.mktemp("sound") / "speech.wav", sound, 48_000)


@pytest.mark.parametrize("fps", [None, 12.5, 24_000 / 1001, 60.0])
def test_it_hears_what_each_would_hear_alone(recording: Path, fps: float | None):
    coefficients, prosody = hear(MODEL, recording, fps, "loud")
    alone = stream_coefficients(MODEL, stream_audio(recording), fps or MODEL.fps, "loud")
    assert torch.equal(torch.cat(coefficients), torch.cat([*alone]))
    assert np.array_equal(prosody.energy, prosody_of(load_audio(recording)).energy)


def test_it_decodes_once(recording: Path, monkeypatch: pytest.MonkeyPatch):
    decoded: list[Path] = []
    original = waveform._decode
    monkeypatch.setattr(waveform, "_decode", lambda path: (decoded.append(path), original(path))[1])
    hear(MODEL, recording)
    assert decoded == [recording]


def test_a_recording_that_is_cut_off_is_refused(recording: Path, tmp_path: Path):
    cut = tmp_path / "cut.wav"
    cut.write_bytes(recording.read_bytes()[:-20_000])
    with pytest.raises(ValueError, match=r"cut\.wav: the sound is cut off"):
        hear(MODEL, cut)


@pytest.mark.parametrize("samples", [1, 640, 641])
def test_the_shortest_recordings(tmp_path: Path, samples: int):
    path = write_wav(tmp_path / "short.wav", np.full(samples, 0.1))
    coefficients, _ = hear(MODEL, path)
    assert sum(map(len, coefficients)) == 1


def test_the_stated_length_is_near_the_true_one(recording: Path):
    assert stated_seconds(recording) == pytest.approx(11.3, abs=0.1)
