"""A whole training of SyncNet3D, broken off and not."""

from pathlib import Path

import pytest
import torch
from broken_off import same_weights, stop_inside_step
from small_runs import FACE, UNITS, write_clips

from audio2mesh.sync.critic import load_syncnet
from audio2mesh.sync.fit import fit_syncnet, split_clips
from audio2mesh.sync.options import ContrastOptions, SyncFitOptions, SyncNetOptions
from common.errors import InputError
from common.network_files import training_record


def options(data: Path, out: Path, **changes) -> SyncFitOptions:
    train = ContrastOptions(steps=5, batch=2, pool=3, renew=2, windows=8, save_every=2)
    chosen = {"held_out": ("two",), "net": SyncNetOptions(16, 8), "train": train} | changes
    return SyncFitOptions((data,), "loss", out, **chosen)


def fit(data: Path, out: Path) -> dict:
    return fit_syncnet(options(data, out), UNITS, FACE, torch.device("cpu"))


def test_a_run_that_is_stopped_inside_a_step_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    data = write_clips(tmp_path / "clips")
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    assert set(fit(data, whole)) == {"two"}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_inside_step(patch, 3)
        fit(data, parts)
    fit(data, parts)
    assert same_weights(whole, parts)
    assert not list(tmp_path.glob("*.state"))
    record = training_record(whole)
    assert (record["clips"], record["held_out"]) == (["one"], ["two"])
    assert load_syncnet(whole).options == SyncNetOptions(16, 8)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"held_out": ("one", "two")}, "every clip is held out"),
        ({"exclude": ("three",)}, "no clip is called three"),
        ({"part": (2, 2)}, "the first number must be below the second"),
    ],
)
def test_clips_that_do_not_fit_are_told(tmp_path: Path, changes: dict, words: str):
    data = write_clips(tmp_path / "clips")
    with pytest.raises(InputError, match=words):
        split_clips(options(data, tmp_path / "w", **changes), UNITS, FACE)
