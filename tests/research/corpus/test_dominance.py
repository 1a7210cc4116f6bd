"""The dominance model by itself."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from audio2mesh.data.phones import Phone
from research.corpus.articulation import load_dominance
from research.corpus.dominance import (
    CHANNELS,
    DominanceModel,
    dominance_curves,
)

PHONES = [Phone("T", 0.2, 0.3), Phone("AA", 0.3, 0.5), Phone("SH", 0.5, 0.62)]


def naive(model: DominanceModel, spans: list[tuple[str, float, float]], t: float) -> np.ndarray:
    """Σ D·T / Σ D, term by term."""
    top, bottom = np.zeros(len(CHANNELS)), np.zeros(len(CHANNELS))
    for label, start, end in spans:
        row = model.phones.index(label)
        target, size, before, after = (
            np.asarray(getattr(model, name)[row], np.float64)
            for name in ("target", "magnitude", "anticipation", "carry_over")
        )
        early = np.asarray(model.lead, np.float64)
        grown = 1 / (1 + np.exp(-before * (t - start + early)))
        left = 1 / (1 + np.exp(-after * (end - early - t)))
        top += size * grown * left * target
        bottom += size * grown * left
    return top / bottom


def test_curves_are_the_weighted_mean_of_the_formula():
    model = load_dominance()
    spans = [("SIL", -9.8, 0.2), *((p.label, p.start, p.end) for p in PHONES), ("SIL", 0.62, 10.62)]
    times = np.linspace(0, 0.9, 19)
    curves = dominance_curves(model, PHONES, torch.from_numpy(times)).numpy()
    expected = np.stack([naive(model, spans, t) for t in times])
    np.testing.assert_allclose(curves, expected, atol=1e-6)


def test_a_phone_alone_for_long_reaches_its_target():
    model = load_dominance()
    curve = dominance_curves(model, [Phone("AO", 0.0, 3.0)], torch.tensor([1.5]))[0]
    torch.testing.assert_close(curve, model.target[model.phones.index("AO")], atol=1e-5, rtol=0)


def test_far_phones_do_not_matter():
    labels = ["AA", "T"] * 30
    many = [Phone(label, k * 0.1, k * 0.1 + 0.1) for k, label in enumerate(labels)]
    model, at = load_dominance(), torch.tensor([3.02, 3.06])
    few = dominance_curves(model, many[20:40], at)
    torch.testing.assert_close(dominance_curves(model, many, at), few, atol=1e-4, rtol=0)


def test_gaps_are_silence():
    model, times = load_dominance(), torch.linspace(0, 1, 30)
    gap = [Phone("AA", 0.1, 0.3), Phone("AA", 0.6, 0.8)]
    silence = [gap[0], Phone("SIL", 0.3, 0.6), gap[1]]
    torch.testing.assert_close(
        dominance_curves(model, gap, times), dominance_curves(model, silence, times)
    )


def test_overlapping_phones_are_refused():
    with pytest.raises(ValueError, match=r"phone T at 0\.100 s overlaps"):
        dominance_curves(
            load_dominance(), [Phone("AA", 0.0, 0.2), Phone("T", 0.1, 0.3)], torch.zeros(1)
        )


def test_gradients_are_those_of_the_formula():
    model = load_dominance()
    names = [field.name for field in fields(model) if field.name != "phones"]
    values = [getattr(model, name).double().requires_grad_() for name in names]
    times = torch.tensor([0.25, 0.47], dtype=torch.float64)

    def total(*tensors: torch.Tensor) -> torch.Tensor:
        moved = replace(model, **dict(zip(names, tensors, strict=True)))
        return dominance_curves(moved, PHONES, times).double().sum()

    grads = torch.autograd.grad(total(*values), values)
    assert all(torch.isfinite(grad).all() for grad in grads)
    step = 1e-3
    raised = [v.detach().clone() for v in values]
    raised[4] += step  # lead
    slope = (total(*raised) - total(*values)) / step
    torch.testing.assert_close(slope, grads[4].sum(), rtol=0.05, atol=1e-2)
