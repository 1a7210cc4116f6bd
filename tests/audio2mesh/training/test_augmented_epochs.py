from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from forked import CONTEXT, two_processes
from speech_models import talking_clip, tiny_model

from audio2mesh.training import batches as passes
from audio2mesh.training.batches import Pass, PassSource, cache_folder, cached_pass, encode_pass
from audio2mesh.training.options import AugmentOptions


def source(**changes) -> PassSource:
    model = tiny_model()
    clips = [talking_clip(model), talking_clip(model, "b", 5.0)]
    plain = PassSource(model, clips, np.array([0.5, 0.5]), 6, 0, AugmentOptions())
    return replace(plain, **changes)


def same(one: Pass, other: Pass) -> bool:
    tensors = [name for name, value in vars(one).items() if isinstance(value, torch.Tensor)]
    assert len(tensors) == 6
    return one.clips == other.clips and all(
        torch.equal(getattr(one, name).nan_to_num(-1), getattr(other, name).nan_to_num(-1))
        for name in tensors
    )


def test_passes_follow_from_seed_and_number():
    first = encode_pass(source(), 1)
    assert same(first, encode_pass(source(), 1))
    assert not same(first, encode_pass(source(), 2))
    assert not same(first, encode_pass(source(seed=1), 1))


def test_a_pass_has_as_many_windows_as_asked_but_no_more_than_the_clips_fill():
    assert len(encode_pass(source(windows=3), 0).styles) == 3
    assert len(encode_pass(source(windows=100), 0).styles) == 7  # 14 s in windows of 2 s


def test_quiet_windows_have_a_shut_mouth():
    encoded = encode_pass(source(augment=AugmentOptions(quiet=1.0)), 0)
    assert not encoded.coefficients.any() and not encoded.styles.any()


def test_a_cached_pass_is_the_encoded_one_and_encoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = cache_folder(tmp_path, source())
    made = cached_pass(folder, source(), 3)
    assert same(made, encode_pass(source(), 3))
    monkeypatch.setattr(passes, "encode_pass", lambda *_: pytest.fail("encoded again"))
    assert same(made, cached_pass(cache_folder(tmp_path, source()), source(), 3))


def test_other_data_or_options_have_another_folder(tmp_path: Path):
    plain = source()
    louder = replace(plain.clips[1], audio=1.01 * plain.clips[1].audio)
    bent = tiny_model()
    with torch.no_grad():
        next(bent.encoder.parameters()).add_(0.01)
    others = [
        source(seed=1),
        source(windows=5),
        source(weights=np.array([0.4, 0.6])),
        source(augment=AugmentOptions(snr=(3.0, 30.0))),
        source(clips=plain.clips[:1], weights=np.ones(1)),
        source(clips=[plain.clips[0], louder]),
        source(clips=[plain.clips[0], replace(plain.clips[1], style="other")]),
        source(model=bent),
    ]
    folders = {cache_folder(tmp_path, other) for other in [plain, *others]}
    assert len(folders) == 9
    assert cache_folder(tmp_path, source()) in folders


def test_a_broken_off_pass_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("safetensors.torch.save", stop)
    folder = cache_folder(tmp_path, source())
    with pytest.raises(KeyboardInterrupt):
        cached_pass(folder, source(), 0)
    assert not list(folder.glob("*pass*.safetensors"))


def _encode_and_count(folder: Path, made) -> None:
    encode = passes.encode_pass
    torch.set_num_threads(1)

    def counted(given: PassSource, number: int) -> Pass:
        with made.get_lock():
            made.value += 1
        return encode(given, number)

    passes.encode_pass = counted
    given = source()
    for number in range(3):
        cached_pass(folder, given, number)


def test_two_processes_share_the_work(tmp_path: Path):
    made = CONTEXT.Value("i", 0)
    folder = cache_folder(tmp_path, source())
    two_processes(_encode_and_count, (folder, made), (folder, made), seconds=60)
    assert made.value == 3
