"""Lips held to a film's: made-up motion of known delay, size and closures."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.data.lips import best_shift, lip_opening, opening_bounds
from audio2mesh.data.phones import Phone
from audio2mesh.model.motion import Motion
from research.evaluation.speech.films import film_scores, met
from research.evaluation.speech.measures import MEASURES, Figures, medians

FPS = 25.0
REST = torch.tensor([[0.0, 0, 0], [0, 0, 0], [-0.03, 0, 0], [0.03, 0, 0], [0, 0.1, 0]])
FACE = FaceGeometry(
    rest=REST,
    lips=torch.arange(4),
    inner_upper=torch.tensor([0]),
    inner_lower=torch.tensor([1]),
    upper_face=torch.tensor([4]),
    upper_teeth=torch.tensor([], dtype=torch.long),
)
OPENS, WIDENS = torch.zeros(2, 5, 3).unbind(0)
OPENS[1, 1] = -1.0  # the lower lip goes down
WIDENS[2, 0], WIDENS[3, 0] = -0.5, 0.5  # the corners part


def motion(gap: Tensor, width: Tensor) -> Motion:
    return Motion(torch.stack([gap, width], 1), torch.stack([OPENS, WIDENS]))


def speech(late: float = 0.0) -> tuple[Tensor, Tensor]:
    """Gap and width [100] in metres, `late` frames after the film."""
    t = (torch.arange(100) - late) / FPS
    gap = 0.008 * torch.sin(2 * torch.pi * 1.9 * t).clamp_min(0)
    return gap, 0.003 * torch.sin(2 * torch.pi * 0.8 * t + 1)


def scores(
    moved: Motion,
    true: Motion,
    pauses: np.ndarray | None = None,
    phones: Sequence[Phone] = (),
) -> dict[str, float]:
    bounds = opening_bounds(lip_opening(moved, FACE), FACE)
    none = np.zeros((0, 2)) if pauses is None else pauses
    found = film_scores(moved, true, bounds, none, phones, FACE, FPS)
    return {name: float(score.value) for name, score in found.items()}


@pytest.mark.parametrize("late", [-4, -1, 0, 3])
def test_a_delay_is_found_and_costs_nothing(late: int):
    found = scores(motion(*speech(late)), motion(*speech()))
    assert found["shift_ms"] == pytest.approx(abs(late) * 40, abs=8)
    assert found["gap_at_shift"] == pytest.approx(1, abs=1e-3)
    assert found["width_at_shift"] == pytest.approx(1, abs=1e-3)
    assert found["closures_agreed"] == 1 and found["closures_false"] == 0


def test_a_delay_between_two_frames_has_its_sign():
    shift = best_shift(speech(1.5)[0], speech()[0], FPS)
    assert shift == pytest.approx(1.5, abs=0.2)


def test_no_delay_beyond_a_fifth_of_a_second_is_believed():
    shift = best_shift(speech(9)[0], speech()[0], FPS)
    assert np.isnan(shift) or abs(shift) <= 5.5


def test_size_shows_in_the_spread_alone():
    gap, width = speech()
    found = scores(motion(0.5 * gap, 2 * width), motion(gap, width))
    assert found["gap_spread"] == pytest.approx(0.5, abs=0.01)
    assert found["width_spread"] == pytest.approx(2, abs=0.01)
    assert found["gap_at_shift"] == pytest.approx(1) == found["width_at_shift"]


def test_width_is_compared_at_the_shift_of_the_gap():
    (late, _), (gap, width) = speech(3), speech()
    found = scores(motion(late, width), motion(gap, width))
    assert found["gap_at_shift"] == pytest.approx(1, abs=1e-3)
    assert found["width_at_shift"] < 0.9


def test_breath_in_silence_counts_only_in_the_whole():
    gap, width = speech()
    silent = torch.arange(100) >= 60
    true = torch.where(silent, 0.006, gap)
    ours = torch.where(silent, 0.0, gap)
    found = scores(motion(ours, width), motion(true, width), np.array([[2.25, 4.2]]))
    assert found["gap_in_speech"] > 0.95 > 0.6 > found["gap_at_shift"]


def test_closures_that_are_missed_and_made_up():
    true, ours = torch.full((100,), 0.008), torch.full((100,), 0.008)
    true += 0.002 * torch.sin(torch.arange(100.0))
    ours += 0.002 * torch.sin(torch.arange(100.0))
    for start in (10, 30, 50, 70):
        true[start : start + 3] = 0
    for start in (10, 33, 90):  # found, found a frame late, made up
        ours[start : start + 3] = 0
    found = scores(motion(ours, true), motion(true, true))
    assert found["closures_agreed"] == 0.5
    assert found["closures_false"] == pytest.approx(1 / 3)
    assert (
        met(torch.tensor([True, False, True]), torch.tensor([False, False, False])) == [False] * 2
    )


def test_closures_are_told_apart_by_what_is_said():
    true, ours = (0.008 + 0.002 * torch.sin(torch.arange(100.0)) for _ in range(2))
    for start in (10, 30, 50, 70):
        true[start : start + 3] = 0
    for start in (10, 70):
        ours[start : start + 3] = 0
    said = [("AA", 0.0), ("M", 0.4), ("AA", 0.52), ("W", 1.2), ("AA", 1.32), ("P", 2.0)]
    said += [("AA", 2.12), ("SIL", 2.8), ("AA", 2.92)]
    ends = [start for _, start in said[1:]] + [4.0]
    phones = [Phone(label, start, end) for (label, start), end in zip(said, ends, strict=True)]
    found = scores(motion(ours, true), motion(true, true), phones=phones)
    assert found["closures_agreed"] == 0.5
    assert found["closures_called"] == pytest.approx(2 / 3)
    assert found["closures_uncalled"] == 0


def test_a_still_face_agrees_with_nothing(face: FaceGeometry):
    gap, width = speech()
    still = motion(torch.zeros(100), torch.zeros(100))
    assert scores(still, motion(gap, width)) == {} == scores(motion(gap, width), still)


def test_the_median_leaves_out_recordings_that_cannot_tell():
    nothing: Figures = dict.fromkeys(MEASURES)
    each = [nothing | {"shift_ms": value} for value in (10.0, 400.0, 20.0, None)]
    assert medians(each)["shift_ms"] == 20 and medians(each)["gap_at_shift"] is None
