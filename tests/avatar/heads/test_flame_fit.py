"""FLAME's parameters from the motion of its vertices."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from flame_files import write_flame
from torch import Tensor

from avatar.geometry.rotations import axis_angle_to_matrix, head_poses
from avatar.heads.flame_fit import (
    _posed,
    _problem,
    fit_flame,
    matrix_to_axis_angle,
    write_flame_motion,
)
from avatar.heads.flame_model import (
    LIP_OUTER_LOWER,
    FlameModel,
    flame_vertices,
    load_flame,
    neutral,
)
from avatar.heads.flame_parameters import still

LIPS = torch.tensor(LIP_OUTER_LOWER)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> FlameModel:
    """A synthetic FLAME whose 100 expressions are independent, as in the true one."""
    loaded = load_flame(write_flame(tmp_path_factory.mktemp("flame"))).to(torch.float64)
    size, random = loaded.expression_directions.shape, torch.manual_seed(5)
    rough = torch.randn(size, generator=random, dtype=torch.float64) * 2e-4
    weights = loaded.weights / loaded.weights.sum(1, keepdim=True)
    directions = loaded.expression_directions + rough
    return replace(loaded, expression_directions=directions, weights=weights)


def some_motion(frames: int = 6) -> tuple[Tensor, Tensor]:
    random = torch.manual_seed(0)
    expression = torch.randn(frames, 100, generator=random, dtype=torch.float64)
    jaw = torch.randn(frames, 3, generator=random, dtype=torch.float64)
    return expression, jaw * torch.tensor([0.2, 0.03, 0.03])


def test_the_motion_of_parameters_is_flames_own(model: FlameModel):
    expression, jaw = some_motion()
    problem = _problem(model, model.template)
    posed, _ = _posed(problem, expression, axis_angle_to_matrix(jaw))
    expected = flame_vertices(model, neutral(expression=expression, jaw=jaw))
    assert (posed - expected).abs().max() < 1e-12


@pytest.mark.parametrize("seed", [0, 1])
def test_parameters_come_back(model: FlameModel, seed: int):
    """On the mean head, and on the head of a subject."""
    expression, jaw = some_motion()
    shape = torch.randn(300, generator=torch.manual_seed(1), dtype=torch.float64) * seed
    rest = flame_vertices(model, neutral(shape=shape))
    posed = flame_vertices(model, neutral(shape=shape, expression=expression, jaw=jaw))
    chunks = (posed - rest).split(4)
    motion, misfit = fit_flame(model, rest, chunks, LIPS)
    assert (motion.jaw - jaw).abs().max() < 1e-4
    assert (motion.expression - expression).abs().max() < 0.02
    assert misfit.all_mm < 1e-3 < 1 < misfit.lip_motion_mm


def test_motion_beyond_flame_comes_near(model: FlameModel):
    """Noise of which FLAME knows nothing does not shake the jaw."""
    expression, jaw = some_motion()
    posed = flame_vertices(model, neutral(expression=expression, jaw=jaw))
    noise = torch.randn(posed.shape, generator=torch.manual_seed(2), dtype=torch.float64) * 3e-4
    motion, misfit = fit_flame(model, model.template, [posed - model.template + noise], LIPS)
    assert (motion.jaw - jaw).abs().max() < 3e-3
    assert misfit.all_mm == pytest.approx(0.3 * np.sqrt(8 / np.pi), rel=0.05)


def test_angles_of_rotations_come_back():
    angles = torch.randn(50, 3, generator=torch.manual_seed(0), dtype=torch.float64) / 2
    angles[0] = 0
    assert torch.allclose(matrix_to_axis_angle(axis_angle_to_matrix(angles)), angles, atol=1e-9)


def test_the_file_is_what_gaussian_avatars_plays(tmp_path: Path):
    expression, jaw = some_motion()
    poses = head_poses(torch.tensor([[0.2, 0.0, 0.0]]).expand(6, 3), torch.zeros(3))
    angles = {"jaw": jaw, "eyes": torch.full((6, 6), 0.1)}
    motion = replace(still(torch.zeros(300), None, 6), expression=expression, **angles)
    write_flame_motion(tmp_path / "motion.npz", motion, poses)
    with np.load(tmp_path / "motion.npz") as data:
        sizes = {name: (*data[name].shape, data[name].dtype.name) for name in data.files}
        assert (data["eyes_pose"] == np.float32(0.1)).all()
        assert data["neck_pose"][3] == pytest.approx([0, 0.2, 0], abs=1e-6)
        assert np.abs(data["expr"] - expression.numpy()).max() < 1e-6
    assert sizes == {
        "expr": (6, 100, "float32"),
        "jaw_pose": (6, 3, "float32"),
        "neck_pose": (6, 3, "float32"),
        "rotation": (6, 3, "float32"),
        "eyes_pose": (6, 6, "float32"),
        "translation": (6, 3, "float32"),
        "shape": (300, "float32"),
        "static_offset": (1, 5143, 3, "float32"),
        "dynamic_offset": (6, 5143, 3, "float32"),
    }
