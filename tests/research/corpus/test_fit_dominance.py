"""The fit finds what made the data."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from audio2mesh.data.clips import Clip
from audio2mesh.data.phones import Phone
from audio2mesh.model.motion import Motion
from research.corpus.articulation import ARKIT_NAMES, unit_of
from research.corpus.dominance import CHANNELS, DominanceModel, dominance_curves
from research.corpus.fit_dominance import explained, fit_dominance, match_amplitudes, table_model
from research.corpus.options import DominanceOptions

LABELS = ("AA", "IY", "T", "S", "K")
JAW = CHANNELS.index("jawOpen")


def truth() -> DominanceModel:
    """The table with other targets, other rates and a longer lead."""
    start = table_model()
    target = start.target.clone()
    target[start.phones.index("AA"), JAW] = 0.7
    target[start.phones.index("IY"), JAW] = 0.3
    return replace(start, target=target, lead=torch.full_like(start.lead, 0.05))


def synthetic_clip(model: DominanceModel, seed: int, lag: float = 0.02) -> Clip:
    rng = np.random.default_rng(seed)
    edges = np.cumsum([0.5, *rng.uniform(0.06, 0.2, 150)])
    phones = tuple(Phone(str(rng.choice(LABELS)), float(a), float(b)) for a, b in pairwise(edges))
    times = torch.arange(int((edges[-1] + 0.5) * 30), dtype=torch.float64) / 30 - lag
    weights = torch.zeros(len(times), len(ARKIT_NAMES))
    curves = dominance_curves(model, phones, times)
    weights[:, [ARKIT_NAMES.index(unit_of(channel)) for channel in CHANNELS]] = curves
    audio = np.zeros(int((edges[-1] + 0.5) * 16_000), np.float32)
    return Clip("made", "made", audio, Motion(weights, torch.zeros(52, 1, 3)), 30, lag, phones)


def error(model: DominanceModel, clip: Clip) -> float:
    times = torch.arange(len(clip.motion.coefficients), dtype=torch.float64) / 30 - clip.lag
    made = dominance_curves(model, clip.phones, times)[:, JAW]
    real = clip.motion.coefficients[:, ARKIT_NAMES.index("jawOpen")]
    return float((made - real).square().mean().sqrt())


def test_the_fit_recovers_targets_and_timing_of_its_own_kind_of_data():
    made_by, start = truth(), table_model()
    fitted = fit_dominance(
        [synthetic_clip(made_by, 1)],
        start,
        DominanceOptions(steps=150, learning_rate=0.05, prior=1e-4),
    )
    unseen = synthetic_clip(made_by, 2)
    assert error(fitted, unseen) < 0.2 * error(start, unseen)
    rows = [made_by.phones.index(label) for label in ("AA", "IY")]
    torch.testing.assert_close(
        fitted.target[rows, JAW], made_by.target[rows, JAW], atol=0.05, rtol=0
    )
    assert abs(float(fitted.lead[JAW]) - 0.05) < 0.01


def test_what_is_not_seen_stays():
    start = table_model()
    fitted = fit_dominance([synthetic_clip(truth(), 1)], start, DominanceOptions(steps=20))
    unseen = start.phones.index("UW")
    torch.testing.assert_close(fitted.target[unseen], start.target[unseen], atol=0.01, rtol=0)
    torch.testing.assert_close(fitted.magnitude[unseen], start.magnitude[unseen])


def test_amplitudes_are_brought_to_those_of_the_clips():
    clip, start = synthetic_clip(truth(), 1), table_model()
    small = replace(start, target=truth().target * 0.5)
    matched = match_amplitudes(small, [clip], start)
    row = start.phones.index("AA")
    assert float(matched.target[row, JAW]) == pytest.approx(0.7, abs=0.05)


def test_no_target_leaves_its_start_by_much():
    start = table_model()
    wild = replace(start, target=torch.ones_like(start.target))
    matched = match_amplitudes(wild, [synthetic_clip(truth(), 1)], start)
    assert float((matched.target - start.target).abs().max()) < 0.201
    assert not matched.target[start.phones.index("SIL")].any()


def test_explained_is_high_for_the_model_that_made_the_data():
    made_by = truth()
    clip = synthetic_clip(made_by, 3)
    assert explained(made_by, clip)["jawOpen"] > 0.95
    assert explained(table_model(), clip)["jawOpen"] < 0.9


def test_a_clip_without_phones_is_refused():
    clip = replace(synthetic_clip(truth(), 1), phones=())
    with pytest.raises(ValueError, match="clip made: needs phones"):
        fit_dominance([clip], table_model())
