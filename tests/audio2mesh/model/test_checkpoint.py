import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from speech_models import syllables, tiny_model

from audio2mesh.model.checkpoint import load_model, save_model
from audio2mesh.model.stream import stream_offsets
from common.network_files import training_record
from common.tensor_files import read_tensors


@pytest.fixture
def saved(tmp_path):
    model = tiny_model(moving=True)
    path = tmp_path / "motion.safetensors"
    save_model(model, path, {"clips": ["a"], "steps": 3})
    return model, path


def test_round_trip(saved):
    model, path = saved
    opened = load_model(path)
    assert (opened.fps, opened.topology, opened.vertex_count) == (25, "tiny", 12)
    assert opened.styles == model.styles and opened.options == model.options
    assert not opened.training
    audio = [syllables(3.0)[0]]
    before, after = (torch.cat(list(stream_offsets(m, audio))) for m in (model, opened))
    assert (before - after).abs().max() < 0.01 * before.abs().max()  # half precision on disk
    assert training_record(path) == {"clips": ["a"], "steps": 3}


def test_a_second_round_trip_is_exact(saved, tmp_path):
    _, path = saved
    opened, again = load_model(path), tmp_path / "again.safetensors"
    save_model(opened, again, training_record(path))
    (tensors, metadata), (tensors_again, metadata_again) = read_tensors(path), read_tensors(again)
    assert metadata == metadata_again and set(tensors) == set(tensors_again)
    assert all(torch.equal(tensors[name], tensors_again[name]) for name in tensors)


def _rewritten(path, change):
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    change(tensors, metadata)
    save_file(tensors, path, metadata or None)


def test_errors_are_one_sentence(saved, tmp_path):
    _, path = saved
    whole = path.read_bytes()

    def refused(match, change):
        path.write_bytes(whole)
        _rewritten(path, change)
        with pytest.raises(ValueError, match=match) as caught:
            load_model(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)

    refused("lacks 'topology'", lambda t, m: m.pop("topology"))
    refused("its format is None", lambda t, m: m.clear())
    refused("its format is 'other'", lambda t, m: m.update(format="other"))
    refused("damaged", lambda t, m: m.update(options="{}"))
    refused("damaged", lambda t, m: m.update(encoder="not json"))
    refused("damaged", lambda t, m: t.pop("basis"))
    refused(r"'decoder\.output\.bias' is missing", lambda t, m: t.pop("decoder.output.bias"))
    refused(
        r"'decoder\.output\.bias' is \(3,\), expected \(4,\)",
        lambda t, m: t.update({"decoder.output.bias": torch.zeros(3)}),
    )
    wider = {"width": 24, "layers": 1, "heads": 2}
    refused(
        "expected",
        lambda t, m: m.update(options=json.dumps({**json.loads(m["options"]), "decoder": wider})),
    )


def test_files_that_are_no_weights(saved, tmp_path):
    _, path = saved
    with pytest.raises(FileNotFoundError, match="absent"):
        load_model(tmp_path / "absent.safetensors")
    for name, content in (
        ("text", b"hello there, no weights"),
        ("empty", b""),
        ("cut", path.read_bytes()[:-100]),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="not a readable safetensors file"):
            load_model(tmp_path / name)


def test_nothing_half_written_is_left(tmp_path):
    with pytest.raises(FileNotFoundError):
        save_model(tiny_model(), tmp_path / "no" / "folder.safetensors", {})
    assert list(tmp_path.iterdir()) == []
