from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_runs import small_data, small_fit, small_steps, write_clips

from audio2mesh.data.sources import TrainingData
from audio2mesh.model.checkpoint import load_model
from audio2mesh.model.options import DecoderOptions, ModelOptions
from audio2mesh.training.options import FitOptions
from audio2mesh.training.run import continued, fit, new_model
from common.errors import InputError


@pytest.fixture
def data(tmp_path: Path) -> TrainingData:
    return small_data(write_clips(tmp_path / "clips"))


@pytest.fixture
def model(data: TrainingData):
    torch.manual_seed(3)
    form = ModelOptions(decoder=DecoderOptions(habits=True))
    model = new_model(FitOptions(model=form), data)
    torch.nn.init.normal_(model.decoder.output.weight)
    torch.nn.init.normal_(model.decoder.output.bias)
    torch.nn.init.normal_(model.decoder.get_parameter("habits.weight"))
    return model.eval()


def test_weights_begun_from_move_as_they_did_on_another_basis(model, data: TrainingData):
    turn = torch.linalg.qr(torch.randn(len(model.basis), len(model.basis)))[0]
    basis = (turn @ model.basis.flatten(1)).unflatten(1, (-1, 3))
    clips = [
        replace(clip, style="new", motion=replace(clip.motion, basis=basis))
        for clip in data.training
    ]
    found = continued(model, replace(data, training=clips)).eval()
    assert found.styles == (*model.styles, "new")
    features = torch.randn(2, 20, 2, *model.feature_mean.shape)
    with torch.no_grad():
        for style, before in (("one", "one"), ("neutral", "neutral"), ("new", "neutral")):
            now = found.motion(found.decode(features, torch.full((2,), found.style_index(style))))
            was = model.motion(model.decode(features, torch.full((2,), model.style_index(before))))
            torch.testing.assert_close(now.offsets(), was.offsets(), rtol=1e-3, atol=1e-6)


def test_weights_of_another_mesh_are_no_beginning(model, data: TrainingData):
    with pytest.raises(InputError, match="begin from weights of the same mesh"):
        continued(model, replace(data, topology="other"))


def test_training_goes_on_from_the_weights(tmp_path: Path):
    """Two steps at a rate of nothing leave them as they are, and their scale of features."""
    clips = write_clips(tmp_path / "more")
    small_fit(clips, tmp_path / "a.safetensors")
    again = FitOptions(start=tmp_path / "a.safetensors", train=small_steps(learning_rate=0))
    fit(again, tmp_path / "b.safetensors", small_data(clips), {}, torch.device("cpu"))
    a, b = (load_model(tmp_path / f"{name}.safetensors") for name in "ab")
    torch.testing.assert_close(a.feature_std, b.feature_std)
    torch.testing.assert_close(a.decoder.state_dict(), b.decoder.state_dict(), rtol=2e-3, atol=1e-4)
