from dataclasses import replace

import pytest
import torch

from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.model.motion import Motion, motion_basis, project
from audio2mesh.training.losses import (
    LOSSES,
    PHONED_LOSSES,
    UNCOPIED,
    partly_copied_losses,
    phoned_losses,
    tongue_loss,
    total_loss,
)


def _motions() -> tuple[Motion, Motion]:
    torch.manual_seed(2)
    basis = motion_basis(0.01 * torch.randn(8, 12, 3))
    return Motion(torch.randn(2, 7, len(basis)), basis), Motion(
        torch.randn(2, 7, len(basis)), basis
    )


def _naive(name: str, a: Motion, b: Motion, face: FaceGeometry) -> torch.Tensor:
    x, y = a.offsets() * 1000, b.offsets() * 1000
    lips = (x - y)[:, :, face.lips]
    match name:
        case "vertices":
            return (x - y).square().sum(-1).mean()
        case "lips":
            return lips.square().sum(-1).mean()
        case "velocity":
            return (lips[:, 1:] - lips[:, :-1]).square().sum(-1).mean()
    if name == "contact":
        found, wanted, rest = (_naive_contact(offsets, face) for offsets in (x, y, 0 * x))
        near = torch.sigmoid((0.64 - wanted / rest) / 0.02)
        return ((found - wanted).clamp(min=0) * near).mean()
    if name == "tongue":
        behind = (y - x)[:, :, face.tongue, 2].mean(-1)
        return (torch.where(behind > 0, 0.8, 0.2) * behind.square()).mean()
    gaps = [_naive_gap(offsets, face) for offsets in (x, y)]
    widths = [_naive_width(offsets, face) for offsets in (x, y)]
    match name:
        case "timing":
            return torch.stack([*map(_naive_disagreement, *gaps)]).mean()
        case "width":
            return torch.stack([*map(_naive_disagreement, *widths)]).mean()
        case "swing":
            swings = [[*map(_naive_swing, *curves)] for curves in (gaps, widths)]
            return torch.tensor(swings).sum(0).mean()
    if name == "gap":
        return (gaps[0] - gaps[1]).abs().mean()
    shut = torch.sigmoid((1.5 - gaps[1]) / 0.3)
    return ((gaps[0] - gaps[1]).clamp(min=0) * shut).mean()


def _naive_gap(offsets_mm: torch.Tensor, face: FaceGeometry) -> torch.Tensor:
    posed = face.rest * 1000 + offsets_mm
    gap = torch.zeros(posed.shape[:2])
    for upper, lower in zip(face.inner_upper, face.inner_lower, strict=True):
        gap += (posed[:, :, upper] - posed[:, :, lower]).norm(dim=-1)
    return gap / len(face.inner_upper)


def _naive_width(offsets_mm: torch.Tensor, face: FaceGeometry) -> torch.Tensor:
    across = face.rest[face.lips, 0]
    right, left = face.lips[across.argmin()], face.lips[across.argmax()]
    posed = face.rest * 1000 + offsets_mm
    return posed[:, :, left, 0] - posed[:, :, right, 0]


def _naive_disagreement(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    return 1 - torch.corrcoef(torch.stack([ours, theirs]))[0, 1]


def _naive_swing(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    return (ours.std() / theirs.std()).log().square()


def _naive_contact(offsets_mm: torch.Tensor, face: FaceGeometry) -> torch.Tensor:
    posed = face.rest * 1000 + offsets_mm
    nearest = [
        torch.stack(
            [(posed[:, :, lip] - posed[:, :, tooth]).norm(dim=-1) for tooth in face.upper_teeth]
        )
        for lip in face.inner_lower
    ]
    return torch.stack([distances.min(0).values for distances in nearest]).mean(0)


def test_losses_against_their_definitions(face):
    a, b = _motions()
    for name, loss in {**LOSSES, "tongue": tongue_loss}.items():
        torch.testing.assert_close(loss(a, b, face), _naive(name, a, b, face), rtol=1e-4, atol=1e-3)


def test_losses_vanish_for_the_truth_and_push_apart_motions_together(face):
    a, b = _motions()
    for name, loss in {**LOSSES, "tongue": tongue_loss}.items():
        assert loss(a, a, face) < 1e-4, name
        coefficients = a.coefficients.clone().requires_grad_()
        value = loss(Motion(coefficients, a.basis), b, face)
        (gradient,) = torch.autograd.grad(value, coefficients)
        step = Motion(coefficients.detach() - 1e-4 * gradient / gradient.norm(), a.basis)
        assert loss(step, b, face) < value, name


def test_vertex_loss_has_the_gradient_of_the_full_mesh_even_off_the_basis(face):
    """Truth outside the span of the basis adds a constant alone."""
    a, _ = _motions()
    basis = a.basis[:3]
    true = 0.01 * torch.randn(2, 7, 12, 3)
    coefficients = torch.randn(2, 7, 3, requires_grad=True)
    fitted = Motion(project(true, basis), basis)
    ours = LOSSES["vertices"](Motion(coefficients, basis), fitted, face)
    full = (Motion(coefficients, basis).offsets() - true).mul(1000).square().sum(-1).mean()
    wanted = torch.autograd.grad(full, coefficients)[0]
    torch.testing.assert_close(torch.autograd.grad(ours, coefficients)[0], wanted)


def test_total_is_the_weighted_sum(face):
    a, b = _motions()
    total, terms = total_loss(a, b, face, {"lips": 2.0, "gap": 0.5, "velocity": 0.0})
    assert set(terms) == {"lips", "gap"}
    torch.testing.assert_close(total, 2 * terms["lips"] + 0.5 * terms["gap"])


def test_a_face_without_teeth_has_no_contact_to_lose(face):
    a, b = _motions()
    assert LOSSES["contact"](a, b, replace(face, upper_teeth=torch.arange(0))) == 0


def test_sealed_lips_have_no_gap(face):
    rest = Motion(torch.zeros(3, 4), torch.randn(4, 12, 3))
    assert lip_gap(rest, face).max() < 2e-6


@pytest.mark.parametrize("name", PHONED_LOSSES)
def test_some_losses_count_the_windows_with_known_phones_alone(face, name: str):
    predicted, true = _motions()
    resting = Motion(torch.zeros_like(true.coefficients), true.basis)
    moved, still = (Motion(m.coefficients[:1], m.basis) for m in (predicted, resting))
    loss, weights = PHONED_LOSSES[name], dict.fromkeys(PHONED_LOSSES, 0.0) | {name: 3.0}

    def found(known: torch.Tensor) -> torch.Tensor:
        terms = phoned_losses(predicted, resting, face, weights, known)
        assert list(terms) == [name]
        return terms[name]

    one, all_ = torch.tensor([True, False]), torch.tensor([True, True])
    assert loss(predicted, resting, face) > 0
    torch.testing.assert_close(found(one), loss(moved, still, face) / 2)
    torch.testing.assert_close(found(all_), loss(predicted, resting, face))
    assert found(~all_) == 0


def test_a_tongue_that_may_be_out_comes_out_farther_than_in_the_mean(face):
    """Half of the frames have it 4 mm out, half at rest: best is where 0.8 · (4 - x) = 0.2 · x."""
    basis = torch.zeros(1, 12, 3)
    basis[0, face.tongue, 2] = 0.001
    true = Motion(torch.tensor([0.0, 4.0]).repeat(20)[None, :, None], basis)
    losses = [
        float(tongue_loss(Motion(torch.full((1, 40, 1), out), basis), true, face))
        for out in (2.0, 2.8, 3.2, 3.6, 4.0)
    ]
    assert min(losses) == losses[2]
    without = replace(face, tongue=torch.zeros(0, dtype=torch.long))
    assert tongue_loss(true, true, without) == 0


def test_the_timing_loss_asks_for_timing_and_leaves_size(face):
    true, other = _motions()
    gap = lip_gap(true, face)
    assert gap.std() > 0
    larger = Motion(3 * true.coefficients, true.basis)
    widths = [LOSSES["timing"](motion, true, face) for motion in (true, larger, other)]
    assert widths[0].abs() < 1e-4
    assert widths[1] < 0.5 * widths[2]
    assert LOSSES["swing"](larger, true, face) > 0.5 > LOSSES["swing"](true, true, face)


def test_lips_that_never_move_agree_with_nothing_and_have_a_gradient(face):
    true, moving = _motions()
    still = Motion(torch.zeros_like(moving.coefficients, requires_grad=True), moving.basis)
    loss = LOSSES["timing"](still, true, face) + LOSSES["swing"](still, true, face)
    loss.backward()
    assert still.coefficients.grad is not None and still.coefficients.grad.isfinite().all()


def test_windows_that_are_not_copied_count_by_the_partly_copied_losses_alone(face):
    ours, true = _motions()
    weights = dict.fromkeys(LOSSES, 1.0)
    copied = torch.tensor([True, False])
    total, terms = partly_copied_losses(ours, true, face, weights, copied)
    rows = [
        (Motion(o[None], ours.basis), Motion(t[None], true.basis))
        for o, t in zip(ours.coefficients, true.coefficients, strict=True)
    ]
    first, _ = total_loss(*rows[0], face, weights)
    second, _ = total_loss(*rows[1], face, {name: 1.0 for name in UNCOPIED})
    torch.testing.assert_close(total, (first + second) / 2)
    assert set(terms) == set(LOSSES)
    every, _ = partly_copied_losses(ours, true, face, weights, torch.tensor([True, True]))
    torch.testing.assert_close(every, total_loss(ours, true, face, weights)[0])


def test_motion_that_is_not_copied_still_says_how_far_lips_swing(face):
    true, _ = _motions()
    smaller = Motion(0.3 * true.coefficients, true.basis)
    weights = {"vertices": 1.0, "swing": 1.0}
    copied = torch.tensor([False, False])
    total, terms = partly_copied_losses(smaller, true, face, weights, copied)
    assert set(terms) == {"swing"} and total > 0.5
