"""The command that learns a speaking style of films, on the weights that ship."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support import Outcome, write_wav

from audio2mesh import load_model
from common.arrays import write_arrays
from common.network_files import training_record

Run = Callable[..., Outcome]


@pytest.fixture
def folders(voice: np.ndarray, tmp_path: Path) -> tuple[Path, Path]:
    """Two films of a jaw that opens twice a second, and two seconds of further speech."""
    films, more = tmp_path / "films", tmp_path / "more"
    films.mkdir()
    more.mkdir()
    opening = 0.3 * np.sin(2 * np.pi * np.arange(50) / 25)[:, None] ** 2
    motion = {"arkit": opening.astype(np.float32), "arkit_names": np.array(["jawOpen"])}
    for k, name in enumerate(("one", "two")):
        write_wav(films / f"{name}.wav", voice[(k + 1) * 16_000 : (k + 3) * 16_000])
        write_arrays(films / f"{name}.npz", motion | {"fps": np.array(25.0)})
    write_wav(more / "else.wav", voice[64_000:96_000])
    return films, more


def test_weights_get_one_more_style(run_script: Run, folders: tuple[Path, Path], tmp_path: Path):
    films, more = folders
    out, report = tmp_path / "w.safetensors", tmp_path / "films.json"
    given = ("--data", films, "--hold", more, "--tune.steps", 2, "--tune.variants", 1)
    named = ("--tune.style", "mine", "--leave-one-out", "--report", report)
    done = run_script("train films", *given, *named, "--out", out)
    assert done.status == 0, done
    before, after = load_model(), load_model(out)
    assert after.styles == (*before.styles, "mine")
    features = torch.randn(1, 5, 2, 3, before.encoder.width)
    for row in range(len(before.styles)):
        style = torch.tensor([row])
        assert torch.equal(before.decode(features, style), after.decode(features, style))
    record = training_record(out)
    assert record["scores"] and record["taught by films"]["mine"]["films"] == ["one", "two"]
    assert set(json.loads(report.read_text())["medians"]) == {"truth", "before", "left out"}


def test_what_is_refused(run_script: Run, folders: tuple[Path, Path], tmp_path: Path):
    films, more = folders
    for wrong, said in (
        (("--data", films, "--hold", more), "name weights to write"),
        (("--data", films, "--hold", more, "--out", tmp_path / "no" / "w"), "folder"),
        (("--data", more, "--hold", more, "--out", tmp_path / "w"), "else has no motion"),
        (
            ("--data", films, "--hold", more, "--out", tmp_path / "w", "--tune.style", "neutral"),
            "--tune.style neutral: the neutral style stays",
        ),
    ):
        refused = run_script("train films", *wrong)
        assert refused.status == 2, wrong
        assert said in refused.stderr and "Traceback" not in refused.stderr
