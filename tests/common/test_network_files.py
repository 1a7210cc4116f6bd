"""Networks come back from disk as they were written."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import nn

from common.errors import InputError
from common.network_files import load_network, read_tensors, save_network, training_record


def build(metadata, tensors) -> nn.Module:
    (width,) = json.loads(metadata["options"])
    return nn.Sequential(nn.Linear(width, 2), nn.BatchNorm1d(2))


def test_a_network_comes_back_in_float_with_what_was_told(tmp_path: Path):
    net, path = build({"options": "[3]"}, {}), tmp_path / "net.safetensors"
    save_network(net, path, "some-1", options=[3], training={"steps": 4}, role="loss")
    again = load_network(path, "some-1", "network", build)
    assert not again.training
    for name, value in net.state_dict().items():
        close = value.half().float() if value.is_floating_point() else value
        assert torch.equal(again.state_dict()[name], close) and value.dtype == close.dtype
    assert read_tensors(path)[1]["role"] == "loss"
    assert training_record(path) == {"steps": 4}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"options": [4]}, r"'0\.weight' is \(2, 3\), expected \(2, 4\)"),
        ({"options": [3, 3]}, "the network is damaged"),
        ({}, "the network is damaged, it lacks 'options'"),
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(tmp_path: Path, told: dict, words: str):
    path = tmp_path / "net.safetensors"
    save_network(build({"options": "[3]"}, {}), path, "some-1", **told)
    with pytest.raises(ValueError, match=words):
        load_network(path, "some-1", "network", build)
    with pytest.raises(ValueError, match="holds no network; its format is 'some-1', not 'some-2'"):
        load_network(path, "some-2", "network", build)
    with pytest.raises(ValueError, match="does not say how it was trained"):
        training_record(path)


def test_a_mistake_of_ours_is_not_told_as_damage(tmp_path: Path):
    def lacking(metadata, tensors) -> nn.Module:
        raise ImportError("no such module")

    path = tmp_path / "net.safetensors"
    save_network(build({"options": "[3]"}, {}), path, "some-1", options=[3])
    with pytest.raises(ImportError, match="no such module"):
        load_network(path, "some-1", "network", lacking)


def test_networks_that_are_made_meanwhile_do_not_count(tmp_path: Path):
    def slow(metadata, tensors) -> nn.Module:
        with ThreadPoolExecutor(1) as other:
            other.submit(nn.Linear, 1000, 1000).result()
        return build(metadata, tensors)

    path = tmp_path / "net.safetensors"
    save_network(build({"options": "[3]"}, {}), path, "some-1", options=[3])
    load_network(path, "some-1", "network", slow)
    with pytest.raises(InputError, match="larger than the file"):
        load_network(path, "some-1", "network", lambda m, t: nn.Linear(1000, 1000))
    nn.Linear(1000, 1000)
