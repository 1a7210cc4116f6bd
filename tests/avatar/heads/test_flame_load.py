from pathlib import Path
from typing import Any

import numpy as np
import pytest
import python2_pickle
import torch
from flame_files import as_distributed, write_flame
from flame_geometry import flame_arrays

from avatar.heads.flame_model import load_flame


@pytest.mark.parametrize("kind", ["pkl", "npz"])
def test_every_array_comes_out_as_it_went_in(tmp_path: Path, kind: Any):
    model, arrays = load_flame(write_flame(tmp_path, seed=3, kind=kind)), flame_arrays(3)
    assert model.topology == "flame"
    assert model.template.dtype == torch.float32 and model.faces.dtype == torch.int64
    pairs = (
        (model.template, arrays["v_template"]),
        (model.shape_directions, arrays["shapedirs"][:, :, :300]),
        (model.expression_directions, arrays["shapedirs"][:, :, 300:]),
        (model.pose_directions, arrays["posedirs"]),
        (model.joint_regressor, arrays["J_regressor"]),
        (model.weights, arrays["weights"]),
        (model.faces, arrays["f"]),
    )
    for found, expected in pairs:
        assert np.array_equal(found.numpy(), expected.astype(found.numpy().dtype))


def test_the_made_up_files_have_flames_own_form(tmp_path: Path):
    """About FLAME 2020's 53 MB, naming chumpy and scipy, which nothing here imports."""
    data = write_flame(tmp_path).read_bytes()
    assert 50e6 < len(data) < 56e6
    assert data.startswith(b"\x80\x02")
    assert b"cchumpy.ch\nCh\n" in data and b"cscipy.sparse.csc\ncsc_matrix\n" in data


@pytest.mark.parametrize("module", ["scipy.sparse.csc", "scipy.sparse._csc"])
def test_the_regressor_may_be_sparse_under_either_name(tmp_path: Path, module: str):
    values: dict[str, Any] = as_distributed(flame_arrays())
    values["J_regressor"] = python2_pickle.sparse(flame_arrays()["J_regressor"], module)
    values["f"] = python2_pickle.chumpy(flame_arrays()["f"])
    path = tmp_path / "flame2023.pkl"
    path.write_bytes(python2_pickle.dump(values))
    assert np.allclose(load_flame(path).joint_regressor, flame_arrays()["J_regressor"])


def _wrong() -> dict[str, tuple[str, Any, str]]:
    arrays = flame_arrays()
    unhung = arrays["kintree_table"].copy()
    unhung[0, 3] = 2
    beyond = arrays["f"].copy()
    beyond[0, 0] = 5023
    gap = arrays["weights"].copy()
    gap[7, 1] = np.nan
    return {
        "missing": ("posedirs", None, "no array of numbers 'posedirs'"),
        "text": ("weights", np.array(["a"]), "no array of numbers 'weights'"),
        "a number": ("v_template", 3.0, r"'v_template' has shape \[\]"),
        "few directions": ("shapedirs", arrays["shapedirs"][..., :110], r"\[5023, 3, 400\]"),
        "SMPL": ("v_template", np.zeros((6890, 3)), r"\[6890, 3\] where FLAME's has \[5023, 3\]"),
        "another tree": ("kintree_table", unhung, "tree of five joints"),
        "beyond": ("f", beyond, "'f' names vertices"),
        "not finite": ("weights", gap, "'weights' holds values that are no numbers"),
    }


@pytest.mark.parametrize("name", _wrong())
def test_what_is_no_flame_is_named(tmp_path: Path, name: str):
    array, value, reason = _wrong()[name]
    values: dict[str, Any] = {k: v for k, v in flame_arrays().items() if k != "shapedirs"}
    values["shapedirs"] = flame_arrays()["shapedirs"].astype(np.float32)
    values |= {array: value}
    if value is None:
        del values[array]
    path = tmp_path / "model.npz"
    np.savez(path, **values)
    with pytest.raises(ValueError, match=rf"model\.npz: .*{reason}.*generic_model\.pkl"):
        load_flame(path)


def test_other_files_are_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"gone\.pkl: there is no such file.*flame\.is"):
        load_flame(tmp_path / "gone.pkl")
    path = tmp_path / "list.pkl"
    path.write_bytes(b"\x80\x02](K\x01e.")
    with pytest.raises(ValueError, match=r"list\.pkl: holds no arrays by name"):
        load_flame(path)
    for name in ("text.pkl", "text.npz"):
        (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\n")
        with pytest.raises(ValueError, match=name):
            load_flame(tmp_path / name)
