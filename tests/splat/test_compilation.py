"""What is said while kernels compile."""

import numpy as np
import pytest
from numba import njit

from splat.cpu.compilation import announce_compilation


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
