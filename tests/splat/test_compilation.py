"""What is said while kernels compile."""

import os
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from splat.cpu import compilation
from splat.cpu.compilation import announce_compilation, drop_outdated_kernels


def test_compiling_is_announced_once_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    @njit
    def double(x: np.ndarray) -> np.ndarray:
        return x + x

    with announce_compilation():
        double(np.ones(3))
        double(np.ones((3, 3)))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("splat: compiling") and captured.err.endswith(" s\n")
    assert captured.err.count("\n") == 1
    with announce_compilation():
        double(np.ones(5))
    assert capsys.readouterr().err == ""


def test_kernels_older_than_the_sources_are_dropped(tmp_path: Path) -> None:
    class Kernel:
        class stats:
            cache_path = str(tmp_path)

    newest = max(path.stat().st_mtime for path in Path(compilation.__file__).parent.glob("*.py"))
    for name, age in (("old.nbi", 60), ("new.nbi", -60)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (newest - age, newest - age))
    drop_outdated_kernels(Kernel)
    assert [path.name for path in tmp_path.iterdir()] == ["new.nbi"]
