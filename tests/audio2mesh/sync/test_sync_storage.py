import ast
import json
from pathlib import Path

import pytest
import torch

from audio2mesh.sync.critic import load_syncnet, save_syncnet
from audio2mesh.sync.network import SyncNet3D
from audio2mesh.sync.options import SyncNetOptions
from common.errors import InputError
from common.network_files import read_tensors, write_tensors

ROOT = Path(__file__).parents[3]
MEASURES = (  # they compute scores; `sync_critic` refuses the instance besides
    "audio2mesh/evaluation",
    "audio2mesh/sync",
    "research/evaluation/avatar/",
    "avatar/lipreading/sound_delay.py",
    "research/commands/measure_speech.py",
)
TRAINING = (
    "audio2mesh/training/trainer.py",
    "audio2mesh/training/run.py",
    "audio2mesh/training/losses.py",
    "audio2mesh/sync/critic.py",
    "configs/commands/train.py",
)


@pytest.fixture
def file(tmp_path) -> Path:
    net = SyncNet3D(torch.randn(5, 3), torch.randn(4, 5, 3), "evaluation", SyncNetOptions(16, 8))
    save_syncnet(net, tmp_path / "net.safetensors", {"steps": 3})
    return tmp_path / "net.safetensors"


def test_a_network_is_read_as_it_was_written(file):
    net = load_syncnet(file, "evaluation")
    again = file.with_name("again.safetensors")
    save_syncnet(net, again, {})
    other = load_syncnet(again, "evaluation")
    for name, value in net.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    assert not any(p.requires_grad for p in net.parameters())


def test_the_loss_cannot_be_the_evaluation_instance(file):
    with pytest.raises(ValueError, match="trained for evaluation, not for loss"):
        load_syncnet(file)


def test_the_shipped_instances_have_their_roles():
    loss, evaluation = load_syncnet(), load_syncnet(role="evaluation")
    assert (loss.role, evaluation.role) == ("loss", "evaluation")
    theirs = evaluation.state_dict()
    assert not any(
        torch.equal(value, theirs[name])
        for name, value in loss.state_dict().items()
        if name.endswith("weight") and value.ndim > 1
    )


def _strings(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def test_only_what_measures_names_the_evaluation_instance():
    named = {
        str(path.relative_to(ROOT))
        for package in ("audio2mesh", "avatar", "configs", "scripts")
        for path in (ROOT / package).rglob("*.py")
        if _strings(path) & {"evaluation", "sync_evaluation", "sync_evaluation.safetensors"}
    }
    assert named, "the guard looks for the wrong name"
    assert not [name for name in named if not name.startswith(MEASURES)]


@pytest.mark.parametrize("path", TRAINING)
def test_training_does_not_name_the_evaluation_instance(path):
    assert "evaluation" not in _strings(ROOT / path)


def test_bad_files_are_told(tmp_path, file):
    with pytest.raises(FileNotFoundError, match="there is no such weights file"):
        load_syncnet(tmp_path / "none.safetensors")
    write_tensors({"a": torch.zeros(1)}, tmp_path / "other.safetensors", {"format": "other"})
    with pytest.raises(ValueError, match="holds no SyncNet3D"):
        load_syncnet(tmp_path / "other.safetensors")
    metadata = {"format": "voicesplat-syncnet3d-1", "role": "loss", "options": "{}"}
    write_tensors({"lips_rest": torch.zeros(4, 3)}, tmp_path / "cut.safetensors", metadata)
    with pytest.raises(ValueError, match="damaged"):
        load_syncnet(tmp_path / "cut.safetensors")


@pytest.mark.parametrize("number", [10**5, 10**7, 10**9, 10**30])
@pytest.mark.parametrize("name", ["width", "embedding"])
def test_sizes_that_cannot_be_are_refused(file: Path, name: str, number: int):
    tensors, metadata = read_tensors(file)
    options = json.loads(metadata["options"]) | {name: number}
    write_tensors(tensors, file, metadata | {"options": json.dumps(options)})
    with pytest.raises(InputError, match=r"net\.safetensors: the SyncNet3D is damaged"):
        load_syncnet(file, "evaluation")
