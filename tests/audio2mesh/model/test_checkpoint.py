import json
import resource
import time

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from speech_models import CONFIGS, syllables, tiny_encoder, tiny_model

from audio2mesh.model.checkpoint import load_model, save_model
from audio2mesh.model.stream import stream_offsets
from common.errors import InputError
from common.network_files import read_tensors, training_record


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
        with pytest.raises(InputError, match=match) as caught:
            load_model(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)

    refused("lacks 'topology'", lambda t, m: m.pop("topology"))
    refused("its format is None", lambda t, m: m.clear())
    refused("its format is 'other'", lambda t, m: m.update(format="other"))
    refused("damaged", lambda t, m: m.update(options="{}"))
    refused("damaged", lambda t, m: m.update(encoder="not json"))
    refused("damaged", lambda t, m: m.update(styles="[]"))
    refused("damaged", lambda t, m: m.update(encoder='{"config": 3, "layers": [1]}'))
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


def _nested(metadata, part, **changes):
    """Change what the metadata says at "part.part.."."""
    name, *inner = part.split(".")
    whole = told = json.loads(metadata[name])
    for key in inner:
        told = told.setdefault(key, {})
    told.update(changes)
    metadata[name] = json.dumps(whole)


def _refused_at_once(path, change, match):
    _rewritten(path, change)
    start, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match=match) as caught:
        load_model(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert time.monotonic() - start < 3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 200_000  # KiB


@pytest.mark.parametrize("number", [10**5, 10**7, 10**9, 10**30])
@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("encoder.config", "hidden_size"),
        ("encoder.config", "intermediate_size"),
        ("encoder.config.rope_parameters", "partial_rotary_factor"),
        ("options", "samples_per_frame"),
        ("options.decoder", "width"),
        ("options.decoder", "layers"),
        ("options.decoder", "heads"),
        ("options.decoder", "period"),
        ("options.window", "frames"),
    ],
)
def test_sizes_that_cannot_be_are_refused_at_once(saved, part, name, number):
    _refused_at_once(saved[1], lambda t, m: _nested(m, part, **{name: number}), "damaged")


@pytest.mark.parametrize("layers", [0, -1])
def test_fewer_layers_than_the_file_holds_are_refused(saved, layers):
    words = "holds a tensor 'decoder.blocks.0.*' that is not described"
    change = lambda t, m: _nested(m, "options.decoder", layers=layers)  # noqa: E731
    _refused_at_once(saved[1], change, words)


def test_weights_that_kept_the_norm_behind_all_blocks_still_open(saved):
    _rewritten(saved[1], lambda t, m: t.update({"encoder.net.layer_norm.weight": torch.ones(32)}))
    assert load_model(saved[1]).styles == saved[0].styles


@pytest.mark.parametrize("blocks", [10**5, 10**9])
@pytest.mark.parametrize("family", CONFIGS)
def test_as_many_blocks_as_cannot_be_are_refused_at_once(tmp_path, family, blocks):
    model = tiny_model()
    model.encoder = tiny_encoder(family)
    path = tmp_path / "motion.safetensors"
    save_model(model, path, {})
    load_model(path)
    key = "encoder_num_hidden_layers" if family == "moonshine" else "num_hidden_layers"

    def change(tensors, metadata):
        _nested(metadata, "encoder.config", **{key: blocks})
        _nested(metadata, "encoder", layers=[1, blocks])

    _refused_at_once(path, change, "larger than the file")


@pytest.mark.parametrize("value", [-1, 0, 0.5, "many", None, [1]])
@pytest.mark.parametrize("name", ["width", "heads", "period"])
def test_sizes_that_are_none_are_refused(saved, name, value):
    _refused_at_once(
        saved[1], lambda t, m: _nested(m, "options.decoder", **{name: value}), "damaged|expected"
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
