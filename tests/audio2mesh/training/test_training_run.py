import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from broken_off import same_weights, stop_inside_step
from small_runs import small_data, small_fit, small_steps, write_clips

from audio2mesh.model.options import ModelOptions
from audio2mesh.training.losses import Batch, Critic
from audio2mesh.training.options import FitOptions, LossWeights
from audio2mesh.training.run import new_model, score_lines
from common.errors import InputError
from common.network_files import training_record
from common.training_loop import run_options


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_clips(tmp_path / "clips")


def log_of(out: Path) -> list[dict]:
    return list(map(json.loads, out.with_name(f"{out.name}.log.jsonl").read_text().splitlines()))


def test_a_run_writes_weights_and_a_log_with_scores(data: Path, tmp_path: Path):
    out = tmp_path / "w.safetensors"
    scores = small_fit(data, out)
    assert out.is_file() and set(scores) == {"two"}
    assert [line["step"] for line in log_of(out)] == [1, 2]
    assert all("loss" in line and set(line["scores"]) == {"two"} for line in log_of(out))
    assert not out.with_name("w.safetensors.state").exists()


def pull_down(batch: Batch) -> torch.Tensor:
    return batch.predicted.coefficients.square().mean()


def stopping_critic(steps: int) -> Critic:
    """A critic that presses Ctrl-C in the middle of a step."""
    left = [steps]

    def critic(batch: Batch) -> torch.Tensor:
        left[0] -= 1
        if left[0] == 0:
            signal.raise_signal(signal.SIGINT)
        return pull_down(batch)

    return critic


JUDGED = {"steps": 5, "refresh": 2, "save_every": 4, "losses": LossWeights(sync=0.1)}


def test_a_run_that_is_stopped_inside_a_step_ends_as_if_it_had_not_been(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    whole, parts, cache = tmp_path / "whole", tmp_path / "parts", tmp_path / "cache"
    critics = {"sync": lambda *_: pull_down}
    small_fit(data, whole, critics, cache, **JUDGED)
    with pytest.raises(KeyboardInterrupt):
        small_fit(data, parts, {"sync": lambda *_: stopping_critic(1)}, cache, **JUDGED)
    assert "stopped at step 1" in capsys.readouterr().err and not parts.exists()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_inside_step(patch, 2)
        small_fit(data, parts, critics, cache, **JUDGED)
    assert "stopped at step 3" in capsys.readouterr().err
    small_fit(data, parts, critics, cache, **JUDGED | {"save_every": 1})  # may be another
    assert same_weights(whole, parts)
    assert [line["step"] for line in log_of(whole)] == [4, 5]


def test_a_log_keeps_nothing_of_steps_that_are_made_again(data: Path, tmp_path: Path):
    out = tmp_path / "w"
    log = out.with_name("w.log.jsonl")
    log.write_text('{"step": 1}\n{"step": 2}\n{"ste')
    small_fit(data, out)
    assert [line["step"] for line in log_of(out)] == [1, 2] and "loss" in log_of(out)[0]


def test_a_critic_is_made_only_for_its_weight_and_must_be_there(data: Path, tmp_path: Path):
    unused = {"sync": lambda *_: pytest.fail("made without need")}
    small_fit(data, tmp_path / "w", unused)
    with pytest.raises(InputError, match=r"--train\.losses\.lipreading is set"):
        small_fit(data, tmp_path / "w", unused, losses=LossWeights(lipreading=1.0))


def test_the_weights_say_what_they_were_trained_on(data: Path, tmp_path: Path):
    small_fit(data, tmp_path / "w")
    record = training_record(tmp_path / "w")
    (folder,) = record["data"]
    assert (folder["folder"], folder["clips"], folder["share"]) == ("clips", 1, 1.0)
    assert folder["seconds"] == {"captured": 10.0} and record["held_out"] == ["two"]
    assert record["train"] == json.loads(json.dumps(run_options(small_steps())))
    assert "save_every" not in record["train"]


@pytest.mark.parametrize(("asked", "rate"), [(None, 30), (25, 25)])
def test_the_rate_is_that_of_the_data_unless_another_is_asked_for(data: Path, asked, rate: int):
    found = replace(small_data(data), fps=30)
    assert new_model(FitOptions(model=ModelOptions(fps=asked)), found).fps == rate


def test_scores_of_many_clips_are_averaged():
    scores = {str(k): {"a": float(k), "b": float("nan") if k else 2.0} for k in range(9)}
    assert score_lines(scores) == ["mean of 9 clips  a 4.000  b 2.000"]
    assert score_lines({"x": {"a": 1.0}}) == ["x  a 1.000"]
