from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_runs import small_data, small_steps, write_clips
from speech_models import VERTICES, tiny_model

from audio2mesh.data.face_geometry import FaceGeometry, tongue_reach
from audio2mesh.training.batches import Pass
from audio2mesh.training.options import FitOptions
from audio2mesh.training.tongue import expectile_map, fit_tongue, tongue_way, with_tongue
from common.errors import InputError


@pytest.fixture
def model(face: FaceGeometry):
    """A moving model, one of whose directions is the tongue's alone."""
    model = tiny_model(moving=True)
    model.basis[:, face.tongue] = 0
    model.basis[3] = 0
    model.basis[3, face.tongue, 2] = 0.01
    return model


def passed(model, reach: torch.Tensor) -> Pass:
    """A window in which the tongue is out by `reach` [F] metres."""
    frames = len(reach)
    coefficients = torch.zeros(1, frames, len(model.basis))
    coefficients[0, :, 3] = reach / 0.01
    return Pass(
        features=torch.randn(1, frames, 2, *model.feature_mean.shape).half(),
        mel=torch.zeros(1, 1, 80),
        coefficients=coefficients,
        heard=torch.ones(1, frames, dtype=torch.bool),
        styles=torch.zeros(1, dtype=torch.long),
        times=torch.zeros(1, frames),
        clips=("spoken",),
    )


def test_the_tongue_is_taught_and_all_else_stays(model, face: FaceGeometry):
    torch.manual_seed(0)
    reach = torch.zeros(12).scatter(0, torch.tensor([3, 4, 8]), 0.008)
    seen = passed(model, reach)
    found = with_tongue(model, [seen, replace(seen, clips=("solved",))], {"spoken"}, face)
    features = seen.features.float()
    for style in range(2):
        row = torch.tensor([style])
        with torch.no_grad():
            now, was = (m.motion(m.decode(features, row)) for m in (found, model))
        others = torch.tensor([v for v in range(VERTICES) if v not in face.tongue])
        torch.testing.assert_close(now.offsets(others), was.offsets(others), atol=1e-7, rtol=0)
    with torch.no_grad():
        now = found.motion(found.decode(features, torch.tensor([0])))
    torch.testing.assert_close(tongue_reach(now, face)[0], reach, atol=1e-3, rtol=0)


def test_the_way_brings_the_tip_forward_and_leaves_the_lips(model, face: FaceGeometry):
    way = model.motion(tongue_way(model, face)[None])
    assert float(tongue_reach(way, face)) == pytest.approx(1, rel=1e-3)
    assert way.offsets(face.lips).norm(dim=-1).max() < 1e-3


def test_what_may_be_out_is_out_farther_than_in_the_mean():
    """Of one thing heard a fifth is 10 out: x with 0.8 · 0.2 · (10 - x) = 0.2 · 0.8 · x is 5."""
    wanted = torch.tensor([10.0, 0, 0, 0, 0]).repeat(20)
    assert float(expectile_map(torch.ones(100, 1), wanted)) == pytest.approx(5, rel=0.01)


def test_a_tongue_needs_weights_and_phones(tmp_path: Path):
    data, out = small_data(write_clips(tmp_path / "clips")), tmp_path / "w.safetensors"
    cpu = torch.device("cpu")
    with pytest.raises(InputError, match="name them by --start"):
        fit_tongue(FitOptions(train=small_steps()), out, data, cpu)
    with pytest.raises(InputError, match="clips with phones of a head that has a tongue"):
        fit_tongue(FitOptions(start=out, train=small_steps()), out, data, cpu)
    assert not out.exists()
