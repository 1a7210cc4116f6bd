import pytest
from talking_faces import moving, talk

from audio2mesh.data.lips import format_scores, motion_scores


def test_the_truth_scores_perfectly_and_stillness_does_not(face):
    opening, audio = talk()
    true = moving(opening)
    best = motion_scores(true, true, face, audio, 25)
    assert best["gap_correlation"] == pytest.approx(1.0)
    assert best["lve_ratio"] == 0 and best["pause_closure"] == 1
    assert best["lag_ms"] == pytest.approx(0, abs=0.5)
    assert best["amplitude"] == best["jitter_ratio"] == pytest.approx(1.0)
    halved = motion_scores(moving(0.5 * opening), true, face, audio, 25)
    assert halved["lve_ratio"] == pytest.approx(0.25)
    assert halved["amplitude"] == pytest.approx(0.5, rel=1e-3)
    assert halved["jitter_ratio"] == pytest.approx(0.5, rel=1e-3)


def test_a_mouth_that_hangs_open_in_pauses_is_found_out(face):
    opening, audio = talk()
    scores = motion_scores(moving(opening + 0.004), moving(opening), face, audio, 25)
    assert scores["pause_closure"] == 0


def test_scores_are_one_line():
    assert format_scores({"a": 0.5, "b": 2.0}) == "a 0.500  b 2.000"
