"""How a person speaks, learned from their film: a law on made-up people, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from speech_models import syllables, tiny_model
from torch import Tensor

from audio2mesh import load_model
from audio2mesh.data.clips import Clip
from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.model.manner import with_manner
from audio2mesh.model.motion import Motion
from audio2mesh.model.options import DecoderOptions
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.training.manner import (
    closer,
    gentlest_ways,
    learn_manner,
    left_at_closures,
    lesson,
    moments_shut,
    spoken,
    windows_over,
)
from audio2mesh.training.manner_options import MannerOptions
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry
from common.errors import InputError

QUICK = MannerOptions(steps=3, variants=2)
GAIN, LATE = 1.5, 2  # of the made-up person: how far lips move, and by how many frames they lag


@pytest.fixture
def model() -> SpeechToMotion:
    torch.manual_seed(1)
    return tiny_model(moving=True)


@pytest.fixture(scope="module")
def shipped() -> SpeechToMotion:
    return load_model()


def said(model: SpeechToMotion, audio: np.ndarray) -> Tensor:
    silent = Motion(torch.zeros(1, len(model.basis)), model.basis)
    return spoken(model, Clip("a", "neutral", audio, silent, model.fps, 0.0))


def as_they_speak(model: SpeechToMotion, audio: np.ndarray) -> Tensor:
    """[F, K] farther and later than the model has it."""
    return GAIN * said(model, audio).roll(LATE, 0)


def film(model: SpeechToMotion, audio: np.ndarray) -> Clip:
    motion = Motion(as_they_speak(model, audio), model.basis)
    return Clip("a", "neutral", audio, motion, model.fps, -0.5 / model.fps)


def test_what_a_film_shows_is_done_on_sound_that_was_not_heard(
    shipped: SpeechToMotion, voice: np.ndarray
):
    heard, unheard, face = voice[:112_000], voice[112_000:], face_geometry(load_head())
    films, options = [film(shipped, heard)] * 2, MannerOptions(steps=90, variants=1, batch=2)
    manner = learn_manner(shipped, films, heard, face, replace(options, keep=0, closure=0), "me")
    true = as_they_speak(shipped, unheard)
    own = said(with_manner(shipped, manner), unheard)
    before, after = ((one - true).square().mean() for one in (said(shipped, unheard), own))
    assert after < 0.6 * before
    spread = lip_gap(shipped.motion(own), face).std() / lip_gap(shipped.motion(true), face).std()
    assert 0.9 < spread < 1.1


def test_the_same_film_teaches_the_same(model: SpeechToMotion, face: FaceGeometry):
    audio = syllables(13.0)[0]
    once, twice = (
        learn_manner(model, [film(model, audio)], audio, face, QUICK, "me") for _ in range(2)
    )
    assert all(torch.equal(once.changes[name], twice.changes[name]) for name in once.changes)


def test_lips_that_never_shut_on_film_still_shut_for_a_moment(
    shipped: SpeechToMotion, voice: np.ndarray
):
    """A film whose tracking misses closures does not teach to leave m, b and p open."""
    face = face_geometry(load_head())
    before = said(shipped, voice)
    shut = moments_shut(lip_gap(shipped.motion(before), face), shipped.fps)
    assert shut.sum() > 5
    opening = 0.004 * gentlest_ways(shipped, face)[:, 0]
    agape = before + shut[:, None] * opening
    clip = Clip("a", "neutral", voice, Motion(agape, shipped.basis), shipped.fps, -0.02)
    gaps = {}
    for closure in (0.0, 8.0):
        options = MannerOptions(steps=30, variants=1, batch=2, closure=closure)
        manner = learn_manner(shipped, [clip, clip], voice, face, options, "me")
        after = shipped.motion(said(with_manner(shipped, manner), voice))
        gaps[closure] = float(lip_gap(after, face)[shut].mean())
    assert gaps[8.0] < 0.5 * gaps[0.0], gaps


def test_moments_are_short_and_shut():
    gap = torch.tensor([5.0, 0.1, 0.1, 5.0, *[0.1] * 11, 5.0]) / 1000
    assert moments_shut(gap, 25.0).nonzero().squeeze(1).tolist() == [1, 2]


def test_a_gap_that_tracking_leaves_is_taken_away(model: SpeechToMotion, face: FaceGeometry):
    upper, lower = face.pairs
    basis = torch.zeros(1, len(face.rest), 3)
    basis[0, upper, 1], basis[0, lower, 1] = 0.0005, -0.0005  # parts the lips by a millimetre
    parted = Motion(torch.linspace(2, 12, 200)[:, None], basis)
    clip = replace(film(model, syllables(8.0)[0]), motion=parted)
    left = left_at_closures([clip], face)
    assert left == pytest.approx(0.0016, abs=2e-4)  # 2 mm and a little, less what may remain
    nearer = lip_gap(closer(clip, left, torch.tensor([1000.0]), face).motion, face)
    torch.testing.assert_close(nearer, lip_gap(parted, face) - left)
    assert (
        left_at_closures([replace(clip, motion=Motion(0 * parted.coefficients, basis))], face) == 0
    )


@torch.no_grad()
def test_another_voice_teaches_no_motion(model: SpeechToMotion, face: FaceGeometry):
    windows = windows_over(model, film(model, syllables(6.0)[0]), 1, np.random.default_rng(0))
    assert lesson(model, windows, face).filmed.any()
    assert not lesson(model, windows, face, trusted=False).filmed.any()


def test_too_little_film_and_other_peoples_sound_are_refused(
    model: SpeechToMotion, face: FaceGeometry
):
    short, other = syllables(5.0)[0], syllables(13.0, 1)[0]
    with pytest.raises(InputError, match="5 s of film are too little"):
        learn_manner(model, [film(model, short)], other, face, QUICK, "me")
    still = film(model, other)
    still = replace(still, motion=Motion(0 * still.motion.coefficients, model.basis))
    with pytest.raises(InputError, match="do not do what its sound says"):
        learn_manner(model, [still], other, face, QUICK, "me")


def test_other_decoders_have_no_manners(model: SpeechToMotion, face: FaceGeometry):
    options = replace(model.options, decoder=DecoderOptions(kind="faceformer", width=16, heads=2))
    faceformer = SpeechToMotion(model.encoder, model.basis, "tiny", options=options).eval()
    clip = film(model, syllables(13.0)[0])
    with pytest.raises(InputError, match="weights of the kind learn2talk"):
        learn_manner(faceformer, [clip], clip.audio, face, QUICK, "me")
