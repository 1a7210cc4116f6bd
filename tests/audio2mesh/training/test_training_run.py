import signal
from pathlib import Path

import pytest
import torch
from small_runs import FACE, UNITS, fit_options, write_clips

from audio2mesh.training.critic import Batch, Critic
from audio2mesh.training.losses import LossWeights
from audio2mesh.training.run import fit, score_lines
from audio2mesh.training.trainer import TrainOptions
from common.network_files import training_record
from common.tensor_files import read_tensors


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_clips(tmp_path / "clips")


def test_something_must_be_left_to_train_on(data: Path, tmp_path: Path):
    out = tmp_path / "w.safetensors"
    with pytest.raises(ValueError, match="every clip is held out"):
        fit(fit_options(data, validation=("one", "two"), out=out), UNITS, FACE)


def test_a_run_writes_weights_and_a_log_and_scores_them(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "w.safetensors"
    fit(fit_options(data, out=out), UNITS, FACE)
    assert out.is_file()
    assert len(out.with_name("w.safetensors.log.jsonl").read_text().splitlines()) == 2
    assert not out.with_name("w.safetensors.state").exists()
    capsys.readouterr()
    fit(fit_options(data, score=out), UNITS, FACE)
    assert capsys.readouterr().out.startswith("two  ")


def stopping_critic(steps: int) -> Critic:
    """A critic that presses Ctrl-C in the middle of a step."""
    left = [steps]

    def critic(batch: Batch) -> torch.Tensor:
        left[0] -= 1
        if left[0] == 0:
            signal.raise_signal(signal.SIGINT)
        return batch.predicted.coefficients.square().mean()

    return critic


def test_a_run_that_is_stopped_finishes_its_step_and_continues(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    judged = TrainOptions(
        steps=5, batch=1, passes=1, refresh=2, windows=2, losses=LossWeights(sync=0.1)
    )
    outs = [tmp_path / "unbroken.safetensors", tmp_path / "broken.safetensors"]
    runs = [
        fit_options(data, out=out, every=100, train=judged, cache=tmp_path / "cache")
        for out in outs
    ]
    never = {"sync": lambda *_: stopping_critic(-1)}
    fit(runs[0], UNITS, FACE, never)
    with pytest.raises(KeyboardInterrupt):
        fit(runs[1], UNITS, FACE, {"sync": lambda *_: stopping_critic(3)})
    assert "stopped at step 3" in capsys.readouterr().out and not outs[1].exists()
    fit(runs[1], UNITS, FACE, never)
    assert "at step 3" in capsys.readouterr().out
    (tensors, record), (again, same_record) = map(read_tensors, outs)
    assert record == same_record and all(torch.equal(again[n], t) for n, t in tensors.items())
    logs = [out.with_name(out.name + ".log.jsonl").read_text() for out in outs]
    assert logs[0] == logs[1] and len(logs[0].splitlines()) == 5


def test_a_critic_is_made_only_for_its_weight_and_must_be_there(data: Path, tmp_path: Path):
    out = tmp_path / "w.safetensors"
    unused = {"sync": lambda *_: pytest.fail("made without need")}
    fit(fit_options(data, out=out), UNITS, FACE, unused)
    small = TrainOptions(steps=1, windows=1, passes=1, losses=LossWeights(lipreading=1.0))
    with pytest.raises(ValueError, match=r"--train\.losses\.lipreading is set"):
        fit(fit_options(data, out=out, train=small), UNITS, FACE, unused)


def test_the_weights_say_what_they_were_trained_on(data: Path, tmp_path: Path):
    out = tmp_path / "w.safetensors"
    fit(fit_options(data, out=out), UNITS, FACE)
    record = training_record(out)
    (folder,) = record["data"]
    assert (folder["folder"], folder["clips"], folder["share"]) == ("clips", 1, 1.0)
    assert folder["seconds"] == {"captured": 10.0} and record["validation"] == ["two"]


def test_scores_of_many_clips_are_averaged():
    scores = {str(k): {"a": float(k), "b": float("nan") if k else 2.0} for k in range(9)}
    assert score_lines(scores) == ["mean of 9 clips  a 4.000  b 2.000"]
    assert score_lines({"x": {"a": 1.0}}) == ["x  a 1.000"]
