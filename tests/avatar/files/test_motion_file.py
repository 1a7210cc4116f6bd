from pathlib import Path

import numpy as np
import pytest

from avatar.files.motion_file import CHUNK, motion_chunks, motion_writer, open_motion
from avatar.film.colours import parse_colour

FRAMES = 2 * CHUNK + 3


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


def saved_motion(path: Path) -> np.ndarray:
    """Write motion of a tetrahedron; returns its offsets [F, 4, 3]."""
    rng = np.random.default_rng(1)
    frames = rng.normal(size=(FRAMES, 4, 3)).astype(np.float32)
    arrays = {
        "rest": rng.normal(size=(4, 3)).astype(np.float32),
        "faces": np.array([[0, 1, 2], [0, 2, 3]]),
        "fps": np.array(30.0),
        "head_pose": np.tile(np.eye(4, dtype=np.float32), (FRAMES, 1, 1)),
        "topology": np.array("mesh"),
    }
    with motion_writer(path, FRAMES, 4, arrays) as append:
        for frame in frames:
            append(frame)
    return frames


def test_saved_motion_is_read_a_few_frames_at_a_time(tmp_path: Path):
    frames = saved_motion(tmp_path / "motion.npz")
    motion = open_motion(tmp_path / "motion.npz")
    chunks = list(motion_chunks(motion))
    assert (motion.topology, motion.fps, len(motion.head_pose)) == ("mesh", 30.0, FRAMES)
    assert [len(chunk) for chunk in chunks] == [CHUNK, CHUNK, 3]
    assert np.array_equal(np.concatenate([chunk.numpy() for chunk in chunks]), frames)


def test_compressed_motion_is_read(tmp_path: Path):
    frames = saved_motion(tmp_path / "motion.npz")
    with np.load(tmp_path / "motion.npz") as data:
        np.savez_compressed(tmp_path / "small.npz", **dict(data))
    chunks = motion_chunks(open_motion(tmp_path / "small.npz"))
    assert np.array_equal(np.concatenate([chunk.numpy() for chunk in chunks]), frames)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rest": None}, "'rest'"),
        ({"offsets": None}, "offsets"),
        ({"offsets": np.zeros((FRAMES, 5, 3), np.float32)}, "do not belong together"),
        ({"head_pose": np.zeros((2, 4, 4))}, "do not belong together"),
        ({"offsets": np.zeros((3, 4))}, "no motion file"),
        ({"offsets": np.array(["a", "b"])}, "no motion file"),
    ],
)
def test_broken_motion_is_refused(tmp_path: Path, change: dict, said: str):
    saved_motion(tmp_path / "motion.npz")
    with np.load(tmp_path / "motion.npz") as data:
        arrays = {**data, **change}
    kept = {name: array for name, array in arrays.items() if array is not None}
    np.savez(tmp_path / "broken.npz", **kept)
    with pytest.raises(ValueError, match=said) as caught:
        open_motion(tmp_path / "broken.npz")
    assert "broken.npz" in str(caught.value)


def test_other_files_are_no_motion(tmp_path: Path):
    (tmp_path / "notes.npz").write_text("Dear diary,")
    with pytest.raises(ValueError, match="no motion file"):
        open_motion(tmp_path / "notes.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(ValueError, match="no motion file"):
        open_motion(tmp_path / "one.npy")


def test_colours_are_hex_or_named():
    assert parse_colour("#ff8000") == pytest.approx((1, 128 / 255, 0))
    assert parse_colour("White") == (1, 1, 1)
    with pytest.raises(ValueError, match=r"'#12345'.*#rrggbb"):
        parse_colour("#12345")
