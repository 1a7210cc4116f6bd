import json
from pathlib import Path

import pytest
import torch

from audio2mesh.lipreading.network import (
    LipReadNet,
    LipReadOptions,
    features,
    load_lipreader,
    save_lipreader,
)
from common.errors import InputError
from common.network_files import read_tensors, training_record, write_tensors

SMALL = LipReadOptions(width=32, layers=1, heads=2)


def test_weights_come_back_as_they_were_frozen(tmp_path: Path):
    torch.manual_seed(0)
    net = LipReadNet(SMALL).eval()
    save_lipreader(net, tmp_path / "lips.safetensors", {"clips": ["a"]})
    again = load_lipreader(tmp_path / "lips.safetensors")
    assert again.options == SMALL
    assert not again.training
    assert not any(p.requires_grad for p in again.parameters())
    crops = torch.rand(1, 5, 88, 88)
    assert torch.allclose(features(again, crops), features(net, crops), atol=0.02)
    assert training_record(tmp_path / "lips.safetensors") == {"clips": ["a"]}


def test_other_files_are_refused(tmp_path: Path):
    path = tmp_path / "lips.safetensors"
    with pytest.raises(FileNotFoundError, match="no such weights"):
        load_lipreader(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="not a readable safetensors"):
        load_lipreader(path)
    shipped = Path(__file__).parents[3] / "audio2mesh" / "weights" / "anny_head.safetensors"
    with pytest.raises(ValueError, match="holds no lip reader"):
        load_lipreader(shipped)


@pytest.mark.parametrize("number", [10**5, 10**7, 10**9, 10**30])
@pytest.mark.parametrize("name", ["width", "layers", "heads"])
def test_sizes_that_cannot_be_are_refused(tmp_path: Path, name: str, number: int):
    path = tmp_path / "lips.safetensors"
    save_lipreader(LipReadNet(SMALL), path, {})
    tensors, metadata = read_tensors(path)
    options = json.loads(metadata["options"]) | {name: number}
    write_tensors(tensors, path, metadata | {"options": json.dumps(options)})
    with pytest.raises(InputError, match=r"lips\.safetensors: the lip reader is damaged"):
        load_lipreader(path)
