"""A training that is broken off anywhere ends as one that was not."""

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from common.errors import InputError
from common.network_files import read_tensors
from common.training_loop import check_steps, run_steps, state_path, take_up

STEPS = 25


class Walk:
    """A random walk; `inside` is called in the middle of each step."""

    def __init__(self, inside: Callable[[int], None] = lambda step: None) -> None:
        self.step, self.place, self.length = 0, torch.zeros(2), torch.zeros(1)
        self.ready, self.inside = -1, inside

    def prepare(self) -> None:
        self.ready = self.step

    def train_step(self) -> dict[str, Tensor]:
        assert self.ready == self.step
        stride = torch.randn(2, generator=torch.Generator().manual_seed(self.step))
        self.place = self.place + stride
        self.inside(self.step)
        self.length = self.length + stride.norm()
        self.step += 1
        return {"length": self.length[0]}

    def state(self) -> dict[str, Tensor]:
        return {"place": self.place, "length": self.length}

    def set_state(self, tensors: Mapping[str, Tensor]) -> None:
        self.place, self.length = tensors["place"], tensors["length"]


def walked(out: Path, walk: Walk, save_every: int = 4, record: str = "this walk") -> Walk:
    take_up(walk, out, record)
    run_steps(walk, STEPS, out, record, save_every)
    return walk


def at(number: int, signals: int = signal.SIGINT) -> Callable[[int], None]:
    return lambda step: signal.raise_signal(signals) if step == number else None


@pytest.mark.parametrize("step", [0, 3, 13, 24])
def test_a_signal_inside_a_step_keeps_that_step_and_no_other(tmp_path: Path, step: int):
    whole = walked(tmp_path / "whole", Walk())
    with pytest.raises(KeyboardInterrupt):
        walked(tmp_path / "parts", Walk(at(step)))
    _, told = read_tensors(state_path(tmp_path / "parts"))
    assert int(told["step"]) == step + 1
    again = walked(tmp_path / "parts", Walk())
    assert torch.equal(again.place, whole.place) and torch.equal(again.length, whole.length)


def test_a_signal_between_steps_keeps_the_run(tmp_path: Path):
    class Waits(Walk):
        def prepare(self) -> None:
            super().prepare()
            if self.step == 7:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walked(tmp_path / "run", Waits())
    assert read_tensors(state_path(tmp_path / "run"))[1]["step"] == "7"


def test_an_impatient_second_signal_does_not_lose_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from common import training_loop  # noqa: PLC0415  to be patched

    save = training_loop.save_run

    def slow(*arguments):
        signal.raise_signal(signal.SIGINT)
        save(*arguments)

    monkeypatch.setattr(training_loop, "save_run", slow)
    with pytest.raises(KeyboardInterrupt):
        walked(tmp_path / "run", Walk(at(6)), save_every=100)
    assert read_tensors(state_path(tmp_path / "run"))[1]["step"] == "7"


def test_a_kill_loses_no_more_than_was_asked_for(tmp_path: Path):
    code = f"""
import os, signal, sys
from pathlib import Path
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[2])]!r}
from test_training_loop import Walk, walked
walked(Path({str(tmp_path / "run")!r}), Walk(lambda step: step == 18 and os.kill(os.getpid(), 9)))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert read_tensors(state_path(tmp_path / "run"))[1]["step"] == "16"
    assert torch.equal(walked(tmp_path / "run", Walk()).place, walked(tmp_path / "w", Walk()).place)


def test_the_last_step_is_kept_until_the_result_is_written(tmp_path: Path, capsys):
    walk = walked(tmp_path / "run", Walk())
    again = walked(tmp_path / "run", Walk(lambda step: pytest.fail("walked on")))
    assert torch.equal(again.place, walk.place) and again.step == STEPS
    assert f"continuing {tmp_path / 'run.state'} at step {STEPS}" in capsys.readouterr().err


def test_another_run_is_not_continued(tmp_path: Path):
    walked(tmp_path / "run", Walk())
    with pytest.raises(InputError, match="other options or data"):
        walked(tmp_path / "run", Walk(), record="another walk")


def test_what_is_looked_at_stands_behind_the_bar(tmp_path: Path, capsys):
    seen = []

    def look(step: int, losses: dict[str, float], saved: bool) -> str:
        seen.append((step, saved))
        return f"so far {losses['length']:.0f}"

    run_steps(walk := Walk(), STEPS, tmp_path / "run", "", 8, look)
    assert seen == [(8, True), (10, False), (16, True), (20, False), (24, True), (25, True)]
    assert "25/25" in (said := capsys.readouterr().err) and "steps/s" in said
    assert f"so far {float(walk.length):.0f}" in said


def test_a_helper_neither_shows_nor_keeps(tmp_path: Path, capsys):
    with pytest.raises(KeyboardInterrupt):
        run_steps(Walk(at(9)), STEPS, tmp_path / "run", "", 1, leads=False)
    assert not list(tmp_path.iterdir()) and capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("steps", "save_every"), [(0, 1), (5, 0)])
def test_numbers_of_steps_must_be_some(steps: int, save_every: int):
    with pytest.raises(InputError, match="must be at least 1"):
        check_steps(steps, save_every)


def test_the_loop_is_there_without_torch():
    code = "import sys, common.training_loop; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_another_thread_has_no_signals_to_hold_back(tmp_path: Path):
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(walked, tmp_path / "run", Walk()).result().step == STEPS
