"""Articulation of a mouth 50 mm wide whose parts move one by one."""

import numpy as np
import pytest
import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.data.lips import Bounds, deep_pauses, lip_opening, opening_bounds
from audio2mesh.data.phones import Phone
from audio2mesh.model.motion import Motion
from research.evaluation.speech.articulation import (
    articulation,
    mouth_curves,
    pause_closure,
    phone_frames,
    silences,
)

FPS = 25
BOUNDS = Bounds(shut=0.0015, open=0.003, contact=0.006)
# upper and lower inner lip: left corner, middle, right corner; a tooth behind; an idle vertex
REST = 0.001 * torch.tensor(
    [[-25.0, 0, 0], [0, 0, 5], [25, 0, 0], [-25, 0, 0], [0, 0, 5], [25, 0, 0], [0, 0, -5]]
)
UPPER, LOWER = torch.arange(3), torch.arange(3, 6)
NONE = torch.arange(0)
FACE = FaceGeometry(REST, torch.arange(6), UPPER, LOWER, NONE, torch.tensor([6]))


def motion(drop: Tensor, narrow: Tensor | None = None, retract: Tensor | None = None) -> Motion:
    """The lower lip's middle goes down and back, the corners come in, all [F] in metres."""
    basis = torch.zeros(3, len(REST), 3)
    basis[0, 4, 1] = -1
    basis[1, [0, 3], 0] = 0.5
    basis[1, [2, 5], 0] = -0.5
    basis[2, 4, 2] = -1
    curves = [drop, *(torch.zeros_like(drop) if c is None else c for c in (narrow, retract))]
    return Motion(torch.stack(curves, -1), basis)


def pulse(frames: int, *at: int, size: float) -> Tensor:
    """Zero [F] but for some frames."""
    curve = torch.zeros(frames)
    curve[list(at)] = size
    return curve


def judge(moved: Motion, *phones: Phone, face: FaceGeometry = FACE) -> dict[str, float]:
    scores = articulation(mouth_curves(moved, face), BOUNDS, phones, FPS)
    return {name: float(score.value) for name, score in scores.items()}


def test_the_opening_is_the_largest_height_and_never_negative():
    drop = torch.tensor([0.0, 0.004, -0.002])
    torch.testing.assert_close(lip_opening(motion(drop), FACE), torch.tensor([0.0, 0.004, 0.0]))
    narrowed = motion(torch.zeros(2), torch.tensor([0.0, 0.005]))
    torch.testing.assert_close(mouth_curves(narrowed, FACE).width, torch.tensor([1.0, 0.9]))


def test_bounds_follow_the_openings_between_their_limits():
    def bounds(wide: float) -> tuple[float, float]:
        found = opening_bounds(torch.full((100,), wide), FACE)
        return found.shut, found.open

    assert bounds(0.008) == pytest.approx((0.0012, 0.004))
    assert bounds(0.1) == pytest.approx((0.00125, 0.04))  # shut is shut, however wide it opens
    assert bounds(0.0) == pytest.approx((0.0005, 0.004))  # and open is open


def test_frames_of_a_phone_against_their_definition():
    rng = np.random.default_rng(0)
    for start, length in zip(rng.uniform(0, 3, 50), rng.uniform(0.03, 0.3, 50), strict=True):
        phone = Phone("M", start, start + length)
        centres = (np.arange(-5, 105) + 0.5) / FPS
        slack = 1 / FPS
        inside = (centres >= start - slack) & (centres <= start + length + slack)
        expected = [f for f in np.flatnonzero(inside) - 5 if 0 <= f < 80]
        assert list(phone_frames(phone, FPS, 80)) == expected


def test_closure_needs_one_shut_frame_per_phone_give_or_take_a_frame():
    drop = torch.full((50,), 0.006)
    drop[10] = 0.001
    phones = Phone("M", 0.40, 0.44), Phone("B", 0.44, 0.48), Phone("P", 0.60, 0.64)
    assert judge(motion(drop), *phones)["closure_mbp"] == pytest.approx(2 / 3)


def test_open_vowels_leave_reduced_ones_out():
    drop = pulse(50, 10, 11, size=0.006)
    phones = Phone("AA", 0.40, 0.50), Phone("AE", 1.2, 1.3), Phone("AH", 1.5, 1.58)
    assert judge(motion(drop), *phones)["open_vowels"] == pytest.approx(1 / 2)
    assert "open_vowels" not in judge(motion(drop), Phone("AO", 0.4, 0.45))


def test_contact_needs_a_lip_at_the_teeth_and_a_narrow_mouth():
    back, zero, phone = pulse(30, 10, size=0.004), torch.zeros(30), Phone("F", 0.4, 0.48)
    assert judge(motion(zero), phone)["contact_fv"] == 0
    assert judge(motion(zero, retract=back), phone)["contact_fv"] == 1
    wide = torch.full((30,), 0.007)
    assert judge(motion(wide, retract=back), phone)["contact_fv"] == 0
    toothless = FaceGeometry(REST, torch.arange(6), UPPER, LOWER, NONE, NONE)
    assert "contact_fv" not in judge(motion(zero), phone, face=toothless)


def test_rounding_needs_corners_that_come_in():
    narrow = pulse(50, 10, size=0.003)
    phones = Phone("UW", 0.4, 0.48), Phone("W", 1.2, 1.3)
    assert judge(motion(torch.zeros(50), narrow), *phones)["rounding"] == pytest.approx(1 / 2)


def test_a_mouth_that_does_everything_right_scores_full_marks():
    phones = (
        Phone("M", 0.0, 0.2), Phone("AA", 0.2, 0.4), Phone("F", 0.4, 0.6), Phone("W", 0.6, 0.8)
    )  # fmt: skip
    stretch = torch.repeat_interleave(torch.eye(4), 5, dim=1)
    moved = motion(0.008 * stretch[1], 0.005 * stretch[3], 0.004 * stretch[2])
    assert judge(moved, *phones) == dict.fromkeys(
        ("closure_mbp", "open_vowels", "rounding", "contact_fv"), 1.0
    )


def test_phones_outside_the_recording_do_not_count():
    assert judge(motion(torch.zeros(10)), Phone("M", 5.0, 5.1)) == {}


def test_phones_say_where_silence_is_and_neighbours_are_one():
    times = ("SIL", 0.0, 0.5), ("M", 0.5, 0.6), ("SIL", 0.9, 1.2), ("SIL", 1.2, 1.5), ("M", 1.5, 2)
    found = silences(np.zeros(32_000, np.float32), [Phone(*time) for time in times])
    assert found.tolist() == [[0.0, 0.5], [0.9, 1.5]]
    assert silences(np.zeros(32_000, np.float32), [Phone("M", 0, 1)]).shape == (0, 2)


def test_without_phones_silences_are_heard():
    audio = np.zeros(32_000, np.float32)
    audio[8_000:16_000] = np.random.default_rng(0).standard_normal(8_000) * 0.1
    found = silences(audio, ())
    assert found == pytest.approx(np.array([[0, 0.5], [1.0, 2.0]]), abs=0.03)


def test_deep_pauses_leave_their_borders_out():
    deep = deep_pauses(np.array([[1.0, 2.0], [2.5, 2.8]]), 25, 100)
    centres = (np.flatnonzero(deep) + 0.5) / 25
    assert 1.15 < centres.min() < 1.2 and 1.8 < centres.max() < 1.85


def test_pause_closure_counts_frames():
    opening = torch.zeros(50)
    opening[30:40] = 0.005
    score = pause_closure(opening, BOUNDS, np.array([[0.0, 2.0]]), FPS)
    assert score is not None and score.weight == deep_pauses(np.array([[0.0, 2.0]]), FPS, 50).sum()
    assert score.value == pytest.approx(1 - 10 / score.weight)
    assert pause_closure(opening, BOUNDS, np.zeros((0, 2)), FPS) is None
