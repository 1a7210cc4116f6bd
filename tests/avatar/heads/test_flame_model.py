"""FLAME against a slow implementation that shares nothing with it, and against laws."""

import numpy as np
import pytest
import torch
from flame_files import write_flame
from flame_geometry import flame_arrays
from torch import Tensor

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.heads.flame_model import (
    LEFT_EYEBALL,
    FlameModel,
    FlameParameters,
    flame_vertices,
    load_flame,
    neutral,
    shaped,
)
from avatar.heads.flame_regions import LOWER_TEETH, UPPER_TEETH, add_teeth


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> FlameModel:
    return load_flame(write_flame(tmp_path_factory.mktemp("flame"), kind="npz"))


@pytest.fixture(scope="module")
def toothed(model: FlameModel) -> FlameModel:
    return add_teeth(model)


def _random(vertices: int, frames: int, seed: int = 0) -> FlameParameters:
    random = torch.Generator().manual_seed(seed)

    def normal(*size: int, scale: float = 1.0) -> Tensor:
        return torch.randn(*size, generator=random, dtype=torch.float64) * scale

    return FlameParameters(
        shape=normal(300),
        expression=normal(frames, 100, scale=0.5),
        rotation=normal(frames, 3),
        neck=normal(frames, 3, scale=0.4),
        jaw=normal(frames, 3, scale=0.3),
        eyes=normal(frames, 6, scale=0.3),
        translation=normal(frames, 3, scale=0.1),
        static_offset=normal(vertices, 3, scale=1e-3),
        dynamic_offset=normal(frames, vertices, 3, scale=1e-3),
    )


def _rodrigues(axis_angle: np.ndarray) -> np.ndarray:
    """The rotation by its action on three axes: Rodrigues' formula with cross products."""
    angle = float(np.sqrt((axis_angle**2).sum()))
    if angle == 0:
        return np.eye(3)
    axis = axis_angle / angle
    columns = [
        e * np.cos(angle) + np.cross(axis, e) * np.sin(angle) + axis * axis[i] * (1 - np.cos(angle))
        for i, e in enumerate(np.eye(3))
    ]
    return np.stack(columns, 1)


def _slow_flame(
    arrays: dict[str, np.ndarray], p: dict[str, np.ndarray], vertices: list[int]
) -> np.ndarray:
    """The posed places of some vertices, one by one, with 4 by 4 matrices down the tree."""
    coefficients = np.concatenate([p["shape"], p["expression"]])
    head = arrays["v_template"] + p["static_offset"] + p["dynamic_offset"]
    for k, coefficient in enumerate(coefficients):
        head = head + coefficient * arrays["shapedirs"][:, :, k]
    joints = [sum(w * head[i] for i, w in enumerate(row) if w) for row in arrays["J_regressor"]]
    pose = [p["rotation"], p["neck"], p["jaw"], p["eyes"][:3], p["eyes"][3:]]
    turns = [_rodrigues(axis_angle) for axis_angle in pose]
    feature = [turns[j][r, c] - (r == c) for j in range(1, 5) for r in range(3) for c in range(3)]
    parents = arrays["kintree_table"][0]
    to_world: list[np.ndarray] = []
    for j in range(5):
        local = np.eye(4)
        local[:3, :3] = turns[j]
        local[:3, 3] = joints[j] - (joints[int(parents[j])] if j else 0)
        to_world.append(to_world[int(parents[j])] @ local if j else local)
    placed = []
    for v in vertices:
        point = head[v].copy()
        for k, value in enumerate(feature):
            point += value * arrays["posedirs"][v, :, k]
        moved = np.zeros(3)
        for j in range(5):
            arm = np.append(point - joints[j], 1.0)
            moved += arrays["weights"][v, j] * (to_world[j] @ arm)[:3]
        placed.append(moved + p["translation"])
    return np.array(placed)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_agrees_with_the_slow_implementation(model: FlameModel, dtype: torch.dtype):
    """Within a micrometre, in float32 too; an eighth of the vertices at a time, other ones in each
    of eight random poses, so that all are compared."""
    arrays = flame_arrays()
    random = _random(5023, 8)
    given = {name: value.to(dtype) for name, value in vars(random).items()}
    found = flame_vertices(model.to(dtype), FlameParameters(**given)).double().numpy()
    for frame in range(8):
        parameters = {
            name: value.numpy() if name in ("shape", "static_offset") else value[frame].numpy()
            for name, value in vars(random).items()
        }
        rows = list(range(frame, 5023, 8))
        expected = _slow_flame(arrays, parameters, rows)
        assert np.abs(found[frame, rows] - expected).max() < 1e-6


def test_leading_dimensions_broadcast(toothed: FlameModel):
    p = _random(5143, 6)
    given = {name: value.float() for name, value in vars(p).items()}
    flat = flame_vertices(toothed, FlameParameters(**given))
    assert flat.shape == (6, 5143, 3)
    folded = {
        name: value if name in ("shape", "static_offset") else value.unflatten(0, (2, 3))
        for name, value in given.items()
    }
    assert torch.allclose(flame_vertices(toothed, FlameParameters(**folded)).flatten(0, 1), flat)
    jaws = neutral(jaw=given["jaw"])
    assert torch.allclose(
        flame_vertices(toothed, jaws)[4], flame_vertices(toothed, neutral(jaw=given["jaw"][4]))
    )


def test_nothing_given_is_the_template(toothed: FlameModel):
    assert torch.allclose(flame_vertices(toothed, neutral()), toothed.template, atol=1e-7)


def test_shape_and_expression_are_linear_where_nothing_turns(toothed: FlameModel):
    model = toothed.to(torch.float64)
    a, b = _random(5143, 1, seed=1), _random(5143, 1, seed=2)

    def offset(shape: Tensor, expression: Tensor) -> Tensor:
        return flame_vertices(model, neutral(shape=shape, expression=expression)) - model.template

    both = offset(2 * a.shape - 3 * b.shape, 2 * a.expression[0] - 3 * b.expression[0])
    parts = 2 * offset(a.shape, a.expression[0]) - 3 * offset(b.shape, b.expression[0])
    assert torch.allclose(both, parts, atol=1e-7)  # the weights of a vertex sum to 1 in float32
    unposed = shaped(model, a.shape) - model.template
    assert torch.allclose(unposed, offset(a.shape, 0 * a.expression[0]), atol=1e-7)


def test_the_whole_turns_about_the_root(toothed: FlameModel):
    """Another global rotation and translation move the posed head rigidly."""
    model = toothed.to(torch.float64)
    p = _random(5143, 1)
    assert p.static_offset is not None and p.dynamic_offset is not None
    still = FlameParameters(**vars(p) | {"rotation": torch.zeros_like(p.rotation)})
    turned = flame_vertices(model, p) - p.translation
    unturned = flame_vertices(model, still) - p.translation
    root = model.joint_regressor[0] @ (
        shaped(model, p.shape)
        + model.expression_directions @ p.expression[0]
        + p.static_offset
        + p.dynamic_offset[0]
    )
    R = axis_angle_to_matrix(p.rotation[0])
    assert torch.allclose(turned[0], (unturned[0] - root) @ R.T + root, atol=1e-7)


def _rigid(a: Tensor, b: Tensor) -> tuple[Tensor, float]:
    """Rotation of the best rigid motion from a to b, and the largest distance it leaves."""
    p, q = a - a.mean(0), b - b.mean(0)
    u, _, vh = torch.linalg.svd(p.T @ q)
    flip = torch.diag(torch.tensor([1.0, 1.0, float(torch.det(u @ vh).sign())]).to(a))
    R = (u @ flip @ vh).T
    return R, float((p @ R.T - q).norm(dim=1).max())


def test_the_jaw_takes_the_lower_teeth_and_leaves_the_upper(toothed: FlameModel):
    model = toothed.to(torch.float64)
    turn = torch.tensor([0.3, 0.05, -0.02], dtype=torch.float64)
    neck = torch.tensor([0.1, 0.2, 0.0], dtype=torch.float64)
    expression = _random(5143, 1).expression[0]
    shut = flame_vertices(model, neutral(neck=neck, expression=expression))
    opened = flame_vertices(model, neutral(neck=neck, jaw=turn, expression=expression))
    upper, lower = list(UPPER_TEETH), list(LOWER_TEETH)
    assert torch.allclose(opened[upper], shut[upper], atol=1e-12)
    assert (opened[lower] - shut[lower]).norm(dim=1).min() > 0.01
    R, left = _rigid(shut[lower], opened[lower])
    N = axis_angle_to_matrix(neck)
    assert left < 1e-12
    assert torch.allclose(R, N @ axis_angle_to_matrix(turn) @ N.T, atol=1e-9)
    R, left = _rigid(model.template[upper], shut[upper])
    assert left < 1e-12 and torch.allclose(R, N, atol=1e-9)


def test_each_eyeball_turns_about_its_own_joint(model: FlameModel):
    turn = torch.tensor([0.0, 0.4, 0.0, 0.0, 0.0, 0.0])
    moved = flame_vertices(model, neutral(eyes=turn))
    left = list(LEFT_EYEBALL)
    centre = model.template[left].mean(0)
    expected = (model.template[left] - centre) @ axis_angle_to_matrix(turn[:3]).T + centre
    assert torch.allclose(moved[left], expected, atol=1e-6)
    assert torch.allclose(moved[4477:], model.template[4477:], atol=1e-7)


def test_without_its_teeth_it_is_the_plain_head(model: FlameModel, toothed: FlameModel):
    p = _random(5143, 3)
    given = {name: value.float() for name, value in vars(p).items()}
    plain = dict(given)
    plain["static_offset"] = plain["static_offset"][:5023]
    plain["dynamic_offset"] = plain["dynamic_offset"][:, :5023]
    with_teeth = flame_vertices(toothed, FlameParameters(**given))[:, :5023]
    # an offset of the teeth moves no joint
    assert torch.allclose(with_teeth, flame_vertices(model, FlameParameters(**plain)), atol=1e-6)


def test_gradients_are_right(toothed: FlameModel):
    """At rest too, where an axis-angle has no direction."""
    rows = [0, 1713, 3533, 3509, 4000, *UPPER_TEETH[:2], *LOWER_TEETH[:2]]
    model = toothed.to(torch.float64)

    def posed(shape: Tensor, expression: Tensor, pose: Tensor, offset: Tensor) -> Tensor:
        full = torch.zeros_like(model.template).index_put((torch.tensor(rows),), offset)
        parameters = FlameParameters(
            shape=torch.nn.functional.pad(shape, (0, 297)),
            expression=torch.nn.functional.pad(expression, (0, 97)),
            rotation=pose[:3],
            neck=pose[3:6],
            jaw=pose[6:9],
            eyes=pose[9:15],
            translation=pose[15:],
            static_offset=full,
        )
        return flame_vertices(model, parameters)[rows]

    for seed, scale in ((0, 0.0), (1, 0.3)):
        random = torch.Generator().manual_seed(seed)
        inputs = [
            (scale * torch.randn(*size, generator=random, dtype=torch.float64)).requires_grad_()
            for size in ((3,), (3,), (18,), (len(rows), 3))
        ]
        assert torch.autograd.gradcheck(posed, inputs, fast_mode=True)


@pytest.mark.gpu
def test_runs_on_cuda(toothed: FlameModel, cuda: torch.device):
    p = {name: value.float() for name, value in vars(_random(5143, 4)).items()}
    there = FlameParameters(**{name: value.to(cuda) for name, value in p.items()})
    found = flame_vertices(toothed.to(cuda), there)
    assert found.device.type == "cuda"
    assert torch.allclose(found.cpu(), flame_vertices(toothed, FlameParameters(**p)), atol=1e-5)
