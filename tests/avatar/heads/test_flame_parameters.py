from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gaussian_avatar_files import parameters

from avatar.heads.flame_model import FlameParameters
from avatar.heads.flame_parameters import (
    read_flame_parameters,
    still,
    with_vertices,
    write_flame_parameters,
)


def _arrays(frames: int = 4, teeth: bool = True) -> dict[str, np.ndarray]:
    return parameters(np.random.default_rng(0), frames, teeth)


def _write(path: Path, arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def _equal(a: FlameParameters, b: FlameParameters) -> bool:
    return all(
        torch.equal(x, y) if x is not None and y is not None else x is y
        for x, y in zip(vars(a).values(), vars(b).values(), strict=True)
    )


def test_written_parameters_come_back(tmp_path: Path):
    path = _write(tmp_path / "flame_param.npz", _arrays())
    read = read_flame_parameters(path)
    write_flame_parameters(tmp_path / "again.npz", read, 5143)
    assert _equal(read_flame_parameters(tmp_path / "again.npz"), read)
    with np.load(tmp_path / "again.npz") as again:
        for name, array in _arrays().items():
            assert np.array_equal(again[name], array) and again[name].dtype == np.float32


def test_a_folder_of_moments_is_the_sequence(tmp_path: Path):
    """As VHAP exports them: one file a frame."""
    arrays = _arrays()
    (tmp_path / "flame_param").mkdir()
    for frame in range(4):
        one = {
            name: a if name in ("shape", "static_offset") else a[[frame]]
            for name, a in arrays.items()
        }
        _write(tmp_path / "flame_param" / f"{frame:05d}.npz", one)
    whole = read_flame_parameters(_write(tmp_path / "all.npz", arrays))
    assert _equal(read_flame_parameters(tmp_path / "flame_param"), whole)


def test_float64_no_offsets_and_fewer_coefficients_are_taken(tmp_path: Path):
    arrays = {
        name: array.astype(np.float64)
        for name, array in _arrays(1).items()
        if not name.endswith("offset")
    }
    arrays["shape"] = arrays["shape"][:100]
    arrays["expr"] = arrays["expr"][:, :50]
    read = read_flame_parameters(_write(tmp_path / "one.npz", arrays))
    assert read.static_offset is None and read.dynamic_offset is None
    assert read.shape.shape == (300,) and not read.shape[100:].any()
    assert read.expression.shape == (1, 100) and not read.expression[:, 50:].any()
    assert read.jaw.dtype == torch.float32


def test_offsets_without_teeth_leave_the_teeth_in_place():
    padded = with_vertices(still(torch.zeros(300), torch.ones(5023, 3)), 5143)
    assert padded.static_offset is not None and padded.dynamic_offset is None
    assert padded.static_offset.shape == (5143, 3) and not padded.static_offset[5023:].any()


def _broken() -> dict[str, tuple[dict[str, np.ndarray | None], str]]:
    return {
        "missing": ({"jaw_pose": None}, "no array 'jaw_pose'"),
        "lengths": ({"neck_pose": np.zeros((3, 3))}, r"expr 4, rotation 4, neck_pose 3"),
        "too many": ({"expr": np.zeros((4, 101))}, r"'expr' has the shape \[4, 101\].*100 numbers"),
        "too few": ({"eyes_pose": np.zeros((4, 3))}, r"'eyes_pose' has the shape \[4, 3\].*6"),
        "vertices": ({"static_offset": np.zeros((1, 5083, 3))}, r"5023 vertices, or 5143"),
        "not finite": ({"shape": np.full(300, np.nan)}, "'shape' holds numbers that are not fin"),
        "text": ({"translation": np.array(["a"])}, "'translation' holds no numbers"),
        "empty": ({"expr": np.zeros((0, 100))}, "'expr' holds no numbers"),
    }


@pytest.mark.parametrize("name", _broken())
def test_what_is_broken_is_named(tmp_path: Path, name: str):
    change, reason = _broken()[name]
    arrays = {k: v for k, v in (_arrays() | change).items() if v is not None}
    with pytest.raises(ValueError, match=rf"broken\.npz: .*{reason}"):
        read_flame_parameters(_write(tmp_path / "broken.npz", arrays))


def test_nothing_there_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"gone\.npz"):
        read_flame_parameters(tmp_path / "gone.npz")
    with pytest.raises(FileNotFoundError, match=r"holds no \.npz of FLAME parameters"):
        read_flame_parameters(tmp_path)
