"""Weights tuned to a film: the neutral style comes nearer to it, other styles stay."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from speech_models import talking_clip, tiny_model
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.data.phones import Phone
from audio2mesh.evaluation.articulation import mouth_width
from audio2mesh.evaluation.recordings import Recording
from audio2mesh.model.motion import Motion
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.training.film_options import FilmTuningOptions
from audio2mesh.training.film_tuning import (
    SPREADS,
    Film,
    Heard,
    agreement,
    film_of,
    hear,
    lip_gram,
    moved,
    opened,
    speak,
    tune,
    windows,
)

QUICK = FilmTuningOptions(steps=20, learning_rate=2e-3, variants=1, sealing=0, contact=0)


@pytest.fixture
def model() -> SpeechToMotion:
    torch.manual_seed(1)
    return tiny_model(moving=True)


def told(model: SpeechToMotion, face: FaceGeometry) -> tuple[Film, Heard]:
    clip = talking_clip(model)
    recording = Recording("a", clip.audio, (), clip)
    heard = hear(model, recording, QUICK)
    return film_of(model, recording, heard, face, SPREADS), heard


def said(model: SpeechToMotion, heard: Heard, style: int) -> Tensor:
    with torch.no_grad():
        return torch.cat([speak(model, model.decoder, raw, style) for raw in heard.variants[0]])


def test_the_neutral_style_goes_to_the_film_and_others_stay(
    model: SpeechToMotion, face: FaceGeometry
):
    film, heard = told(model, face)
    own = replace(heard, style=model.styles.index("loud"), before=[[]])
    own = replace(
        own, before=[[speak(model, model.decoder, w, own.style).detach() for w in own.variants[0]]]
    )
    kept = [p.clone() for p in model.decoder.parameters()]
    tuned = tune(model, [film], [], [own], face, replace(QUICK, hold=30.0, anchor=0.0))
    before, after = (agreement(m.motion(said(m, heard, 0)), film, face) for m in (model, tuned))
    assert after < before - 0.2
    gram = lip_gram(model, face)
    change = [moved(said(tuned, heard, s) - said(model, heard, s), gram) for s in (0, own.style)]
    assert change[1] < 0.2 * change[0]
    pairs = zip(kept, model.decoder.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_the_same_tuning_twice_is_the_same(model: SpeechToMotion, face: FaceGeometry):
    film, heard = told(model, face)
    a, b = (tune(model, [film], [film], [heard], face, replace(QUICK, steps=3)) for _ in range(2))
    assert torch.equal(said(a, heard, 0), said(b, heard, 0))


def test_lips_that_swing_as_the_film_truly_did_agree(model: SpeechToMotion, face: FaceGeometry):
    film, heard = told(model, face)
    motion = model.motion(said(model, heard, 0))
    gap, width = lip_gap(motion, face), mouth_width(motion, face)
    same = replace(film, gap=gap / SPREADS["gap"], width=width / SPREADS["width"], shift=0)
    assert agreement(motion, same, face) == pytest.approx(0, abs=1e-4)
    large = replace(same, gap=2 * same.gap)
    assert 0.05 < agreement(motion, large, face) < 0.2
    late = replace(same, gap=same.gap.roll(-2), width=same.width.roll(-2), shift=2)
    assert agreement(motion, late, face) < 0.05 < agreement(motion, replace(late, shift=0), face)


def test_lips_part_only_where_they_were_shut(face: FaceGeometry):
    basis = torch.zeros(1, 12, 3)
    basis[0, 2:4, 1] = -1.0
    before = Motion(torch.tensor([[0.0], [0.01], [0.0], [0.0]]), basis)
    after = Motion(before.coefficients + 0.002, basis)
    soft = opened(after, before, face, torch.zeros(4, dtype=torch.bool))
    assert soft == pytest.approx(3 / 4 * 2, rel=0.02)  # mm
    firm = opened(after, before, face, torch.tensor([False, False, True, False]))
    assert firm == pytest.approx((2 + 6) / 4 * 2, rel=0.02)
    assert opened(before, after, face, torch.ones(4).bool()) == 0


def test_sound_is_cut_into_whole_frames(model: SpeechToMotion):
    audio = np.zeros(2 * model.window_samples + 700, np.float32)
    assert [len(w) for w in windows(model, audio)] == [model.window_samples] * 2
    longer = windows(model, np.zeros(model.window_samples + 20_000, np.float32))
    assert len(longer[1]) == 20_000 // 640 * 640


def test_m_b_p_and_long_silences_are_firm(model: SpeechToMotion):
    audio = np.concatenate([talking_clip(model).audio[:32_000], np.zeros(32_000, np.float32)])
    phones = (Phone("M", 0.4, 0.48), Phone("AA", 0.48, 2.0), Phone("SIL", 2.0, 4.0))
    heard = hear(model, Recording("b", audio, phones), QUICK)
    firm = heard.firm.nonzero()[:, 0].tolist()
    assert firm[:4] == [9, 10, 11, 12] and 75 in firm and 40 not in firm
    assert heard.style == 0 and len(firm) > 30
