"""Gaussians that change with the expression."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.heads import load_head
from avatar.rigging.avatar import Avatar
from avatar.rigging.blendshapes import Blendshapes, ExpressionSpace, expression_space
from avatar.rigging.draw import avatar_rig, batch_rig

CPU = torch.device("cpu")
HEAD = load_head()
REST = HEAD.vertices
UNITS = ("jawOpen", "mouthPucker", "mouthSmileLeft")
ALONE = (HEAD.pose_weights > 0.999).nonzero()[:, 0]


def weighted(weights: Tensor) -> Tensor:
    """Meshes [T, V, 3] of weights [T, 3] of UNITS."""
    units = torch.stack([HEAD.unit(name) for name in UNITS])
    return REST + torch.einsum("te,evx->tvx", weights, units)


def speaking(frames: int, seed: int = 0) -> Tensor:
    return weighted(torch.rand(frames, 3, generator=torch.Generator().manual_seed(seed)))


def space_of(meshes: Tensor, count: int = 3) -> ExpressionSpace:
    return expression_space(REST, meshes, HEAD.regions["scalp"], ALONE, count)


def moved(meshes: Tensor, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    turn = axis_angle_to_matrix(torch.randn(3, generator=generator))
    return meshes @ turn.T + torch.randn(3, generator=generator)


@pytest.fixture(scope="module")
def space() -> ExpressionSpace:
    return space_of(speaking(200))


@pytest.fixture
def expressive(small_avatar: Avatar, space: ExpressionSpace) -> Avatar:
    generator = torch.Generator().manual_seed(5)
    rows = torch.arange(0, len(small_avatar.binding), 2)
    changes = torch.randn(len(rows), 6, len(space.directions), generator=generator)
    return replace(small_avatar, blendshapes=Blendshapes(space, rows, 0.1 * changes))


def test_coefficients_are_those_of_the_expression_alone(space: ExpressionSpace):
    meshes = speaking(5, seed=3)
    told = space.coefficients(REST, meshes)
    assert told.shape == (5, 3)
    assert told.abs().amin() > 1e-3
    assert torch.allclose(space.coefficients(REST, moved(meshes)), told, atol=2e-3)
    assert space.coefficients(REST, moved(REST)).abs().max() < 2e-3


def test_coefficients_are_linear_with_a_mean_square_of_one():
    meshes = speaking(200)
    space = replace(space_of(meshes), radius=torch.tensor(1e9))
    told = space.coefficients(REST, meshes)
    assert torch.allclose(told.square().mean(0), torch.ones(3), atol=1e-3)
    halves = space.coefficients(REST, (REST + meshes) / 2)
    assert torch.allclose(halves, told / 2, atol=2e-3)


def test_what_was_seldom_seen_is_taken_for_what_was(space: ExpressionSpace):
    far = REST + 20 * (speaking(4, seed=9) - REST)
    told = space.coefficients(REST, far)
    assert torch.allclose(told.norm(dim=1), space.radius.expand(4), rtol=1e-4)
    beyond = (space.coefficients(REST, speaking(200)).norm(dim=1) > 0.999 * space.radius).float()
    assert 0.05 < float(beyond.mean()) < 0.15


def test_only_what_moves_tells_the_expression(space: ExpressionSpace):
    assert 0 < len(space.points) < len(ALONE)
    assert not torch.isin(HEAD.regions["scalp"], space.points).any()


def test_short_films_have_few_directions():
    assert len(space_of(speaking(90)).directions) == 2
    assert len(space_of(speaking(30)).directions) == 0


def test_a_face_that_moves_in_one_way_has_one_direction():
    one = torch.rand(200, 1, generator=torch.Generator().manual_seed(8)) * torch.eye(3)[0]
    space = space_of(weighted(one))
    assert len(space.directions) == 1
    assert space.coefficients(REST, weighted(one)).isfinite().all()


def test_a_face_that_is_still_has_none():
    space = space_of(REST.expand(200, -1, -1))
    assert len(space.directions) == len(space.points) == 0
    assert space.coefficients(REST, REST).shape == (0,)


def test_a_face_at_rest_is_as_without_them(expressive: Avatar):
    plain = avatar_rig(replace(expressive, blendshapes=None), CPU)(REST)
    shaped = avatar_rig(expressive, CPU)(REST)
    assert torch.allclose(shaped.means, plain.means, atol=1e-5)
    assert torch.allclose(shaped.sh, plain.sh, atol=1e-3)


def test_some_gaussians_change_by_their_coefficients(expressive: Avatar):
    shapes = expressive.blendshapes
    assert shapes is not None
    (mesh,) = speaking(1, seed=4)
    plain = avatar_rig(replace(expressive, blendshapes=None), CPU)(mesh)
    shaped = avatar_rig(expressive, CPU)(mesh)
    change = shapes.changes @ shapes.space.coefficients(REST, mesh)  # [D, 6]
    wanted = torch.zeros(len(plain.means), 3)
    wanted[shapes.rows] = change[:, 3:]
    assert torch.allclose((shaped.sh - plain.sh)[:, 0], wanted, atol=1e-6)
    gone = (shaped.means - plain.means).norm(dim=1)
    assert gone[shapes.rows].min() > 0
    assert gone[1::2].max() == 0


def test_they_turn_with_the_head(expressive: Avatar):
    rig, (mesh,) = avatar_rig(expressive, CPU), speaking(1, seed=6)
    here, there = rig(mesh), rig(moved(mesh))
    assert torch.allclose(there.means, moved(here.means), atol=2e-5)
    assert torch.allclose(there.sh, here.sh, atol=1e-3)


def test_many_meshes_at_once_are_each_alone(expressive: Avatar):
    meshes = speaking(2, seed=7)
    together, rig = batch_rig(expressive, CPU)(meshes), avatar_rig(expressive, CPU)
    for mesh, means, sh in zip(meshes, together.means, together.sh, strict=True):
        alone = rig(mesh)
        assert torch.allclose(means, alone.means, atol=1e-5)
        assert torch.allclose(sh, alone.sh, atol=1e-5)
