import json
from pathlib import Path

import pytest
import torch
from small_runs import FACE, UNITS, small_data, small_steps, write_clips

from audio2mesh.evaluation.options import MaterialOptions
from audio2mesh.evaluation.recordings import load_material
from audio2mesh.evaluation.score import Score
from audio2mesh.training import search as searching
from audio2mesh.training.critic import Batch
from audio2mesh.training.options import FitOptions, Grid, LossWeights
from audio2mesh.training.search import LOG, combinations, search

GRID = Grid(sync=(0.0, 0.5), drop=("gap",))
RUNS = ["sync-0-lipreading-0", "sync-0.5-lipreading-0", "without-gap"]


def small_motion(batch: Batch) -> torch.Tensor:
    return batch.predicted.coefficients.square().mean()


def run(data: Path, out: Path, grid: Grid = GRID):
    def judges(material, fps: float):
        assert [recording.name for recording in material.recordings] == ["two"] and fps == 25
        return lambda motion, recording, fps: {"lse_d": Score(1.5, 1)}

    options = FitOptions(cache=data.parent / "cache", train=small_steps())
    material = load_material(MaterialOptions((data,), ("two",)), UNITS, FACE, "test head")
    critics, cpu = {"sync": lambda *_: small_motion}, torch.device("cpu")
    return search(options, grid, out, small_data(data), material, critics, judges, cpu)


def test_a_search_tries_logs_and_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    data, out = write_clips(tmp_path / "clips"), tmp_path / "search"
    first = run(data, out, Grid(sync=(0.0,)))
    assert list(first) == RUNS[:1]
    capsys.readouterr()
    figures = run(data, out)
    assert "run sync-0.5" in capsys.readouterr().out and list(figures) == RUNS
    assert figures[RUNS[0]] == first[RUNS[0]] and figures[RUNS[0]]["lse_d"] == 1.5
    lines = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    assert [line["run"] for line in lines] == RUNS
    assert [line["options"]["losses"]["sync"] for line in lines] == [0, 0.5, 0]
    assert [line["options"]["losses"]["gap"] for line in lines] == [1, 1, 0]
    monkeypatch.setattr(searching, "fit", lambda *_: pytest.fail("trained again"))
    assert run(data, out) == figures


def test_combinations_multiply_and_leave_out():
    base = LossWeights(lips=0.7)
    runs = dict(combinations(base, Grid(sync=(0, 1), lipreading=(0, 2), drop=("lips",))))
    assert len(runs) == 5
    assert runs["sync-1-lipreading-2"] == LossWeights(lips=0.7, sync=1, lipreading=2)
    assert runs["without-lips"] == LossWeights(lips=0)
    with pytest.raises(ValueError, match="wings: there is no such loss"):
        dict(combinations(base, Grid(drop=("wings",))))
