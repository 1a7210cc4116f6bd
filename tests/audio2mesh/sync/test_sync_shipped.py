"""The shipped networks on the shipped speech-to-motion weights and a real voice."""

from pathlib import Path

import pytest
import torch

from audio2mesh.model.checkpoint import load_model
from audio2mesh.model.motion import Motion
from audio2mesh.model.stream import stream_coefficients
from audio2mesh.sound.mel import log_mel
from audio2mesh.sound.waveform import load_audio
from audio2mesh.sync.critic import load_syncnet
from audio2mesh.sync.offsets import find_offsets, lse
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry

VOICE = Path(__file__).parents[3] / "assets" / "demo_voice.flac"
SECONDS = 8


@pytest.fixture(scope="module")
def spoken() -> tuple[Motion, torch.Tensor]:
    model, audio = load_model(), load_audio(VOICE)[: SECONDS * 16_000]
    motion = Motion(torch.cat(list(stream_coefficients(model, [audio]))), model.basis)
    return motion, log_mel(torch.from_numpy(audio))


@pytest.mark.parametrize("role", ["loss", "evaluation"])
def test_the_shift_of_the_motion_is_found(spoken, role):
    motion, mel = spoken
    net, face = load_syncnet(role=role), face_geometry(load_head())
    for shift in (0, 6):
        shifted = Motion(motion.coefficients.roll(shift, 0), motion.basis)
        found, speech = find_offsets(net, shifted, mel, face, 25)
        assert ((found[speech > 0.5] - shift).abs() <= 1).float().mean() > 0.75


@pytest.mark.parametrize("role", ["loss", "evaluation"])
def test_motion_of_its_own_sound_is_nearer_than_a_still_face_or_other_words(spoken, role):
    motion, mel = spoken
    net, face = load_syncnet(role=role), face_geometry(load_head())
    own_d, own_c = lse(net, motion, mel, face, 25)
    still = Motion(torch.zeros_like(motion.coefficients), motion.basis)
    other = Motion(motion.coefficients.roll(SECONDS * 25 // 2, 0), motion.basis)
    for wrong in (still, other):
        wrong_d, wrong_c = lse(net, wrong, mel, face, 25)
        assert own_d < wrong_d
        assert own_c > 2 * wrong_c
