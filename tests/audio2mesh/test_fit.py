from pathlib import Path

import numpy as np
import pytest
import torch
from support import write_wav

from audio2mesh.clips import FaceUnits
from audio2mesh.fit import FitOptions, fit
from audio2mesh.losses import FaceGeometry
from audio2mesh.train import TrainOptions

V = 12
FACE = FaceGeometry(
    torch.randn(V, 3, generator=torch.Generator().manual_seed(0)),
    torch.arange(V),
    torch.arange(3),
    torch.arange(3, 6),
    torch.arange(6, 9),
    torch.arange(0),
)
UNITS = FaceUnits(
    ("jawOpen", "mouthClose"),
    torch.randn(2, V, 3, generator=torch.Generator().manual_seed(1)) / 100,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two clips of ten seconds, one of them for validation."""
    folder = tmp_path / "clips"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        write_wav(folder / f"{name}.wav", 0.1 * rng.standard_normal(160_000))
        weights = rng.uniform(0, 1, (300, 2)).astype(np.float32)
        names = np.array(["jawOpen", "mouthClose"])
        np.savez(folder / f"{name}.npz", arkit=weights, arkit_names=names, fps=np.array(30.0))
    return folder


def options(data: Path, **changes) -> FitOptions:
    small = TrainOptions(steps=2, batch=1, passes=1, refresh=10)
    return FitOptions(data, **{"validation": ("two",), "train": small, "every": 1} | changes)


@pytest.mark.parametrize("option", ["validation", "exclude"])
def test_a_clip_that_is_not_there_is_named(data: Path, option: str):
    with pytest.raises(ValueError, match=f"no clip three, which --{option} names; it has one, two"):
        fit(options(data, **{option: ("three",)}), UNITS, FACE)


def test_something_must_be_left_to_train_on(data: Path, tmp_path: Path):
    out = tmp_path / "w.safetensors"
    with pytest.raises(ValueError, match="every clip is held out"):
        fit(options(data, validation=("one", "two"), out=out), UNITS, FACE)


def test_a_run_writes_weights_and_a_log_and_scores_them(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "w.safetensors"
    fit(options(data, out=out), UNITS, FACE)
    assert out.is_file()
    assert len(out.with_name("w.safetensors.log.jsonl").read_text().splitlines()) == 2
    assert not out.with_name("w.safetensors.state").exists()
    capsys.readouterr()
    fit(options(data, score=out), UNITS, FACE)
    assert capsys.readouterr().out.startswith("two  ")
