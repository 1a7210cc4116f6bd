"""Distances against the formulas, written out vertex by vertex."""

import pytest
import torch
from talking_faces import moving

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.data.lips import correlation, lip_acceleration, lip_vertex_error
from audio2mesh.model.motion import Motion
from research.evaluation.speech.measures import mean_vertex_error, upper_face_dynamics_deviation


@pytest.fixture
def pair() -> tuple[Motion, Motion]:
    """Predicted and true motion of 600 frames on bases of their own."""
    random = torch.Generator().manual_seed(0)
    bases = 0.002 * torch.randn(2, 3, 12, 3, generator=random)
    curves = torch.randn(2, 600, 3, generator=random)
    return Motion(curves[0], bases[0]), Motion(curves[1], bases[1])


def test_lip_vertex_error_against_its_formula(pair: tuple[Motion, Motion], face: FaceGeometry):
    predicted, true = (motion.offsets() for motion in pair)
    largest = [
        max(float((p[v] - t[v]).square().sum()) for v in face.lips)
        for p, t in zip(predicted, true, strict=True)
    ]
    assert lip_vertex_error(*pair, face) == pytest.approx(1e6 * sum(largest) / 600, rel=1e-4)


def test_lip_vertex_error_by_hand(face):
    predicted = moving(torch.tensor([0.002, 0.004]))
    error = lip_vertex_error(predicted, moving(torch.zeros(2)), face)
    assert error == pytest.approx((4 + 16) / 2, rel=1e-4)


def test_errors_of_scaled_motion_follow_from_the_scale(pair, face):
    _, true = pair
    half = Motion(0.5 * true.coefficients, true.basis)
    still = Motion(0 * true.coefficients, true.basis)
    for measure, factor in ((lip_vertex_error, 0.25), (upper_face_dynamics_deviation, 0.75)):
        assert measure(half, true, face) == pytest.approx(factor * measure(still, true, face))
    assert mean_vertex_error(half, true) == pytest.approx(0.5 * mean_vertex_error(still, true))


def test_mean_vertex_error_in_pieces_is_that_of_the_whole(pair):
    predicted, true = (motion.offsets() for motion in pair)
    whole = (predicted - true).square().sum(-1).sqrt().mean() * 1e3
    assert mean_vertex_error(*pair) == pytest.approx(float(whole), rel=1e-4)


def test_upper_face_deviation_against_its_formula_and_sign(pair, face):
    def dynamics(motion: Motion, vertex: int) -> float:
        squared = [float((frame[vertex] ** 2).sum()) for frame in motion.offsets()]
        mean = sum(squared) / len(squared)
        return (sum((s - mean) ** 2 for s in squared) / len(squared)) ** 0.5

    predicted, true = pair
    upper = face.upper_face.tolist()
    expected = sum(dynamics(true, v) - dynamics(predicted, v) for v in upper) / len(upper)
    deviation = upper_face_dynamics_deviation(predicted, true, face)
    assert deviation == pytest.approx(1e6 * expected, rel=1e-3)
    assert upper_face_dynamics_deviation(true, predicted, face) == pytest.approx(-deviation)


def test_a_perfect_prediction_has_no_error(pair, face):
    _, true = pair
    assert lip_vertex_error(true, true, face) == mean_vertex_error(true, true) == 0
    assert upper_face_dynamics_deviation(true, true, face) == 0


def test_acceleration_of_a_parabola(face):
    seconds = torch.arange(50) / 25
    motion = moving(0.5 * 3.0 * seconds**2 / 100)  # 0.03 m/s², two of six lip vertices
    assert lip_acceleration(motion, face, 25) == pytest.approx(0.03 * 2 / 6, rel=1e-2)
    assert lip_acceleration(moving(0.01 * seconds), face, 25) == pytest.approx(0, abs=1e-4)


def test_correlation_ignores_scale_and_is_unknown_for_constants():
    curve = torch.randn(40, generator=torch.Generator().manual_seed(0))
    assert correlation(3 * curve + 1, curve) == pytest.approx(1)
    assert correlation(-curve, curve) == pytest.approx(-1)
    assert correlation(torch.ones(40), curve) != correlation(torch.ones(40), curve)
