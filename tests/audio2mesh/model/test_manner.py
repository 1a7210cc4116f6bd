"""A manner of speaking on disk, and merged into the weights that it belongs to."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from speech_models import tiny_model

from audio2mesh.model.manner import (
    Manner,
    load_manner,
    manner_bytes,
    manner_of,
    no_changes,
    save_manner,
    weights_digest,
    with_manner,
)
from audio2mesh.model.speech_to_motion import SpeechToMotion
from common.errors import InputError


@pytest.fixture
def model() -> SpeechToMotion:
    torch.manual_seed(1)
    return tiny_model(moving=True)


@pytest.fixture
def manner(model: SpeechToMotion) -> Manner:
    torch.manual_seed(2)
    zeros = no_changes(model, rank=2, seed=0)
    changes = {name: value + 0.1 * torch.randn_like(value) for name, value in zeros.items()}
    return Manner(changes, weights_digest(model), "a film")


def said(model: SpeechToMotion) -> torch.Tensor:
    features = torch.randn(1, 20, 2, 2, 32, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        return model.decode(features, torch.tensor([0]))


def test_a_manner_changes_what_is_said_and_the_model_stays(model: SpeechToMotion, manner: Manner):
    before = said(model)
    assert (said(with_manner(model, manner)) - before).abs().max() > 0.1
    assert torch.equal(said(model), before)


def test_products_are_added_to_the_very_weights(model: SpeechToMotion, manner: Manner):
    found, changes = with_manner(model, manner).decoder.state_dict(), manner.changes
    for name, value in model.decoder.named_parameters():
        if f"{name}.up" in changes:
            change = torch.einsum("or,ri->oi", changes[f"{name}.up"], changes[f"{name}.down"])
            wanted = value + change.reshape(value.shape)
        else:
            wanted = value + changes.get(name, 0)
        torch.testing.assert_close(found[name], wanted)
    assert torch.equal(found["style.weight"], model.decoder.style.weight)


def test_nothing_learned_changes_nothing(model: SpeechToMotion, manner: Manner):
    none = replace(manner, changes=no_changes(model, rank=2, seed=0))
    assert torch.equal(said(with_manner(model, none)), said(model))


def test_it_comes_back_from_its_file(model: SpeechToMotion, manner: Manner, tmp_path: Path):
    save_manner(manner, tmp_path / "me.safetensors")
    found = load_manner(tmp_path / "me.safetensors")
    assert (found.weights, found.learnt) == (manner.weights, "a film")
    assert found.changes.keys() == manner.changes.keys()
    for name, change in manner.changes.items():
        torch.testing.assert_close(found.changes[name], change, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(
        said(with_manner(model, found)), said(with_manner(model, manner)), atol=0.05, rtol=0.05
    )


def test_other_weights_are_refused(model: SpeechToMotion, manner: Manner):
    with torch.no_grad():
        model.decoder.output.bias[0] += 1
    with pytest.raises(InputError, match="learned with other speech-to-motion weights"):
        with_manner(model, manner)


@pytest.mark.parametrize("damage", ["shape", "rank", "lost"])
def test_what_does_not_fit_is_refused(model: SpeechToMotion, manner: Manner, damage: str):
    changes = dict(manner.changes)
    match damage:
        case "shape":
            changes["local.bias"] = torch.zeros(3)
        case "rank":
            changes["output.weight.up"] = torch.zeros(4, 3)
        case _:
            del changes["output.weight.down"]
    with pytest.raises(InputError, match="is damaged"):
        with_manner(model, replace(manner, changes=changes))


def test_what_is_no_manner_is_refused(manner: Manner, tmp_path: Path):
    content = manner_bytes(manner)
    nan = replace(manner, changes={"local.bias": torch.full((16,), torch.nan)})
    for wrong in (b"", b"ply\n", content[:-9], content.replace(b"manner-1", b"manner-9")):
        with pytest.raises(InputError, match=r"me\.ply: holds no manner of speaking"):
            manner_of(wrong, "me.ply")
    with pytest.raises(InputError, match="holds no manner"):
        manner_of(manner_bytes(nan), "me.ply")
    with pytest.raises(FileNotFoundError, match="there is no such manner of speaking"):
        load_manner(tmp_path / "none.safetensors")
