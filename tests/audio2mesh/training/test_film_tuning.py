"""Weights tuned to a film: the neutral style comes nearer to it, other styles stay."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from speech_models import talking_clip, tiny_model
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.data.phones import Phone
from audio2mesh.evaluation.articulation import mouth_width
from audio2mesh.evaluation.recordings import Recording
from audio2mesh.model.checkpoint import load_model, save_model
from audio2mesh.model.motion import Motion
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.training.film_options import FilmTuningOptions
from audio2mesh.training.film_tuning import (
    SPREADS,
    Film,
    Heard,
    agreement,
    film_of,
    gentlest_ways,
    hear,
    opened,
    standard_features,
    tune,
    windows,
    with_style,
)
from common.errors import InputError

QUICK = FilmTuningOptions(steps=60, learning_rate=1.0, variants=1, anchor=0, sealing=0, contact=0)


@pytest.fixture
def model() -> SpeechToMotion:
    torch.manual_seed(1)
    return tiny_model(moving=True)


def told(model: SpeechToMotion, face: FaceGeometry) -> tuple[Film, Heard]:
    clip = talking_clip(model)
    recording = Recording("a", clip.audio, (), clip)
    heard = hear(model, recording, QUICK)
    return film_of(model, recording, heard, face, SPREADS), heard


@torch.no_grad()
def said(model: SpeechToMotion, style: str | None) -> Tensor:
    parts = windows(model, talking_clip(model).audio)
    row = torch.tensor([model.style_index(style)])
    return torch.cat([model.decoder(standard_features(model, p), row)[0] for p in parts])


def test_the_new_style_goes_to_the_film_and_others_stay(model: SpeechToMotion, face: FaceGeometry):
    film, heard = told(model, face)
    tuned = tune(model, [film], [film], [heard], face, QUICK)
    assert tuned.styles == (*model.styles, "filmed")
    before, after = (
        agreement(model.motion(said(m, style)), film, face)
        for m, style in ((model, None), (tuned, "filmed"))
    )
    assert after < before - 0.2
    for style in model.styles:
        assert torch.equal(said(tuned, style), said(model, style))


def test_a_style_made_of_nothing_speaks_as_the_neutral_one(model: SpeechToMotion, tmp_path: Path):
    nothing = torch.zeros(len(model.basis), model.options.decoder.width)
    once = with_style(model, "calm", nothing)
    twice = with_style(once, "loose", nothing + 1e-3)
    save_model(twice, tmp_path / "w.safetensors", {})
    opened_again = load_model(tmp_path / "w.safetensors")
    assert torch.equal(said(once, "calm"), said(model, None))
    assert opened_again.styles == ("neutral", "loud", "calm", "loose")
    torch.testing.assert_close(said(opened_again, "calm"), said(model, None), atol=1e-2, rtol=1e-2)
    assert (said(opened_again, "loose") - said(model, None)).abs().max() > 1e-3
    again = with_style(twice, "calm", nothing + 1e-3)
    assert again.styles == ("neutral", "loud", "loose", "calm")
    assert torch.equal(said(again, "calm"), said(twice, "loose"))
    assert torch.equal(said(again, "loose"), said(twice, "loose"))
    with pytest.raises(InputError, match="neutral style stays"):
        with_style(twice, "neutral", nothing)


def test_the_same_tuning_twice_is_the_same(model: SpeechToMotion, face: FaceGeometry):
    film, heard = told(model, face)
    a, b = (tune(model, [film], [], [heard], face, replace(QUICK, steps=3)) for _ in range(2))
    assert torch.equal(said(a, "filmed"), said(b, "filmed"))


def test_the_gentlest_ways_part_lips_and_corners_one_at_a_time(
    model: SpeechToMotion, face: FaceGeometry
):
    ways = gentlest_ways(model, face)
    upper, lower = face.pairs
    motion = Motion(ways.T, model.basis)
    gaps = (motion.offsets(upper) - motion.offsets(lower))[..., 1].mean(1)
    torch.testing.assert_close(gaps, torch.tensor([1.0, 0.0]), atol=1e-3, rtol=0)
    across = face.rest[face.lips, 0]
    right, left = face.lips[across.argmin()], face.lips[across.argmax()]
    widths = (motion.offsets(left[None]) - motion.offsets(right[None]))[:, 0, 0]
    torch.testing.assert_close(widths, torch.tensor([0.0, 1.0]), atol=1e-3, rtol=0)


def test_lips_that_swing_as_the_film_truly_did_agree(model: SpeechToMotion, face: FaceGeometry):
    film, heard = told(model, face)
    motion = model.motion(heard.before[0])
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
    assert len(firm) > 30
