"""Curves of two faces that speak with one voice."""

import pytest
import torch

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion
from research.evaluation.voices.evaluate import Lips, closures_shared, likeness, lips_of


def lips(gap: torch.Tensor, shut: torch.Tensor | None = None) -> Lips:
    return Lips(gap, 1 - gap, gap < 0.02 if shut is None else shut)


CURVE = 0.1 * torch.sin(torch.arange(60) / 4).clamp_min(0)


def test_size_does_not_tell_faces_apart_but_motion_does():
    other = CURVE + 0.1 * torch.sin(torch.arange(60) / 2.5).clamp_min(0)
    faces = {"small": lips(CURVE), "large": lips(3 * CURVE), "else": lips(other)}
    found = {(pair.first, pair.second): pair for pair in likeness(faces)}
    assert found["small", "large"].gap == pytest.approx(1)
    assert found["small", "large"].width == pytest.approx(1)
    assert found["small", "else"].gap < 0.8 and len(found) == 3


def test_closures_count_from_both_sides():
    first, second = torch.zeros(60, dtype=torch.bool), torch.zeros(60, dtype=torch.bool)
    first[10:12] = first[30:33] = True
    second[12:14] = True  # a frame late
    assert closures_shared(first, second) == pytest.approx(2 / 3)
    assert closures_shared(~first, ~first) == 1
    assert closures_shared(torch.zeros(5).bool(), torch.zeros(5).bool()) is None


@pytest.mark.parametrize("size", [1.0, 2.5])
def test_lips_are_measured_by_the_mouths_own_size(size: float):
    rest = size * torch.tensor([[0.0, 0, 0], [0, 0, 0], [-0.03, 0, 0], [0.03, 0, 0]])
    basis = torch.zeros(1, 4, 3)
    basis[0, 1, 1] = -size
    nothing = torch.tensor([], dtype=torch.long)
    inner = torch.tensor([0]), torch.tensor([1])
    face = FaceGeometry(rest, torch.arange(4), *inner, nothing, nothing)
    found = lips_of(Motion(0.01 * torch.tensor([[0.0], [1.0], [0.02]]), basis), face)
    torch.testing.assert_close(found.gap, torch.tensor([0, 1 / 6, 0.02 / 6]), atol=1e-4, rtol=0)
    assert found.shut.tolist() == [True, False, True]
