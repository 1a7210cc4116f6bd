"""The weights that ship: they open, move the mouth for speech and keep it shut in silence."""

from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest
import torch
from support import ROOT

from audio2mesh import load_audio, load_model, stream_offsets
from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.model.motion import Motion
from audio2mesh.model.stream import stream_coefficients
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def head_face() -> FaceGeometry:
    return face_geometry(load_head())


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return load_audio(ROOT / "assets" / "demo_voice.flac")


@pytest.fixture
def weights_folder() -> Iterator[Path]:
    with as_file(files("audio2mesh").joinpath("weights")) as folder:
        yield folder


def _gap_mm(model, audio: np.ndarray, face: FaceGeometry) -> torch.Tensor:
    coefficients = torch.cat(list(stream_coefficients(model, [audio])))
    return lip_gap(Motion(coefficients, model.basis), face) * 1000


def test_file_is_small_and_its_licences_lie_beside_it(weights_folder):
    assert (weights_folder / "anny_head.safetensors").stat().st_size < 25e6
    for name in ("LICENSE-moonshine", "LICENSE-facegood", "NOTICE.md"):
        assert (weights_folder / name).stat().st_size > 500


def test_belongs_to_the_shipped_head(model):
    assert (model.topology, model.fps) == ("anny-head", 25)
    assert model.vertex_count == len(load_head().vertices)


def test_the_mouth_opens_on_vowels_and_shuts_on_m(model, voice, head_face):
    """Phone times by forced alignment of "And so, my fellow Americans: ask not ..."."""
    gap = _gap_mm(model, voice, head_face)
    assert 4 < gap.quantile(0.95) < 15

    def within(start: float, end: float) -> torch.Tensor:
        return gap[int(start * 25) : int(end * 25) + 2]

    for name, start, end in (("my", 0.97, 1.05), ("Americans", 1.68, 1.76)):
        assert within(start, end).min() < 0.15 * gap.quantile(0.95), name
    for name, start, end in (("and", 0.29, 0.46), ("ask", 3.25, 3.63), ("not", 4.04, 4.27)):
        assert within(start, end).max() > 0.5 * gap.quantile(0.95), name
    for start, end in ((2.35, 3.1), (4.5, 5.2)):  # pauses of a noisy recording
        assert within(start, end).median() < 0.15 * gap.quantile(0.95)


def test_loudness_changes_little(model, voice, head_face):
    """Down to 40 dB lower, as by a distant microphone, the mouth does the same."""
    usual, quiet = (_gap_mm(model, gain * voice, head_face) for gain in (1.0, 0.01))
    assert torch.corrcoef(torch.stack([usual, quiet]))[0, 1] > 0.9


def test_silence_and_noise_keep_the_mouth_shut(model, head_face):
    rng = np.random.default_rng(0)
    white = rng.standard_normal(10 * 16_000)
    rumble = np.cumsum(white) - np.arange(len(white)) * white.mean()
    rumble = np.fft.irfft(np.fft.rfft(rumble) * (np.fft.rfftfreq(len(white), 1 / 16_000) > 30))
    for audio in (0 * white, 0.003 * white, 0.03 * white, 0.03 * rumble / rumble.std()):
        assert _gap_mm(model, audio.astype(np.float32), head_face).quantile(0.95) < 1.0


def test_offsets_are_metres_on_the_head(model, voice):
    offsets = torch.cat(list(stream_offsets(model, [voice[:48_000]])))
    assert offsets.shape == (75, 5000, 3) and offsets.dtype == torch.float32
    assert 0.005 < offsets.norm(dim=-1).max() < 0.05
