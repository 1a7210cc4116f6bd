import pytest
import torch

from audio2mesh.model.motion import Motion, motion_basis, project, sample_curves


def _offsets(frames: int = 40, vertices: int = 9, rank: int = 3) -> torch.Tensor:
    torch.manual_seed(0)
    return 0.01 * torch.randn(frames, rank) @ torch.randn(rank, 3 * vertices)


def test_basis_spans_the_motion_and_keeps_distances():
    offsets = _offsets().unflatten(1, (-1, 3))
    basis = motion_basis(offsets)
    assert len(basis) == 3
    coefficients = project(offsets, basis)
    torch.testing.assert_close(Motion(coefficients, basis).offsets(), offsets, atol=1e-6, rtol=1e-4)
    gram = basis.flatten(1) @ basis.flatten(1).T
    torch.testing.assert_close(gram / gram[0, 0], torch.eye(3), atol=1e-5, rtol=0)
    assert coefficients[:, 0].square().mean().sqrt() == pytest.approx(1.0, abs=1e-4)


def test_offsets_of_some_vertices_are_those_of_all():
    motion = Motion(torch.randn(2, 5, 4), torch.randn(4, 7, 3))
    chosen = torch.tensor([6, 0, 3])
    torch.testing.assert_close(motion.offsets(chosen), motion.offsets()[:, :, chosen])


def test_motionless_clips_are_refused():
    with pytest.raises(ValueError, match="never moves"):
        motion_basis(torch.zeros(5, 3, 3))


def test_spline_passes_through_its_points_and_holds_its_ends():
    curves = torch.randn(9, 2)
    assert torch.equal(sample_curves(curves, torch.arange(9.0)), curves)
    ends = sample_curves(curves, torch.tensor([-3.0, 20.0]))
    assert torch.equal(ends, curves[[0, -1]])


def test_spline_is_exact_for_lines_and_smooth():
    line = torch.arange(12.0)[:, None]
    at = torch.linspace(1, 10, 50)
    torch.testing.assert_close(sample_curves(line, at)[:, 0], at)
    wave = torch.sin(torch.arange(60.0) / 4)[:, None]
    fine = torch.linspace(5, 50, 400)
    torch.testing.assert_close(
        sample_curves(wave, fine)[:, 0], torch.sin(fine / 4), atol=2e-3, rtol=0
    )
    assert torch.equal(sample_curves(wave[:1], torch.tensor([0.0, 2.0])), wave[[0, 0]])
