from pathlib import Path

import numpy as np
import pytest

from avatar.colours import parse_colour
from avatar.motion_file import motion_writer


def test_frames_come_back_in_order(tmp_path: Path):
    frames = np.random.default_rng(0).normal(size=(7, 5, 3)).astype(np.float32)
    path = tmp_path / "motion.npz"
    with motion_writer(path, 7, 5, {"fps": np.array(25.0), "topology": np.array("t")}) as append:
        for frame in frames:
            append(frame)
        assert not path.exists()
    with np.load(path) as saved:
        assert np.array_equal(saved["offsets"], frames)
        assert float(saved["fps"]) == 25
        assert str(saved["topology"]) == "t"


def test_nothing_is_left_of_a_broken_run(tmp_path: Path):
    def broken() -> None:
        with motion_writer(tmp_path / "motion.npz", 7, 5, {}) as append:
            append(np.zeros((5, 3), np.float32))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert not list(tmp_path.iterdir())


def test_colours_are_hex_or_named():
    assert parse_colour("#ff8000").tolist() == pytest.approx([1, 128 / 255, 0])
    assert parse_colour("White").tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match=r"'#12345'.*#rrggbb"):
        parse_colour("#12345")
