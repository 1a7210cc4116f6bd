import pytest
import torch

from avatar.geometry.rotations import (
    axis_angle_to_matrix,
    matrix_to_quaternion,
    multiply_quaternions,
    quaternion_to_matrix,
)
from avatar.heads import load_head
from avatar.rigging.binding import bind, to_world, triangle_frames
from avatar.rigging.compiled import fast_rig, skinned
from splat import Gaussians, activate

FACES = torch.tensor([[0, 1, 2], [0, 2, 3], [3, 2, 1]])


def some_mesh(seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(4, 3, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def some_gaussians(count: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Gaussians:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=dtype, generator=generator)

    return Gaussians(
        normal(count, 3),
        normal(count, 4),
        normal(count, 3).exp(),
        torch.sigmoid(normal(count)),
        normal(count, 1, 3),
    )


def rigid(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    axis_angle = torch.randn(3, dtype=torch.float64, generator=generator)
    return axis_angle_to_matrix(axis_angle), torch.randn(
        3, dtype=torch.float64, generator=generator
    )


def same_rotation(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-9) -> bool:
    return torch.allclose(quaternion_to_matrix(a), quaternion_to_matrix(b), atol=tolerance)


def test_frames_are_rotations_with_the_edge_first_and_the_normal_second():
    vertices = some_mesh()
    frames = triangle_frames(vertices, FACES)
    identity = torch.eye(3, dtype=torch.float64).expand(3, 3, 3)
    assert torch.allclose(frames.R_world_tri.mT @ frames.R_world_tri, identity)
    assert torch.allclose(torch.linalg.det(frames.R_world_tri), torch.ones(3, dtype=torch.float64))
    v0, v1, v2 = (vertices[FACES[:, k]] for k in range(3))
    edge = torch.nn.functional.normalize(v1 - v0, dim=1)
    normal = torch.nn.functional.normalize(torch.linalg.cross(v1 - v0, v2 - v0), dim=1)
    assert torch.allclose(frames.R_world_tri[..., 0], edge)
    assert torch.allclose(frames.R_world_tri[..., 1], normal)


def test_scale_is_the_mean_of_edge_and_height():
    vertices = torch.tensor([[0.0, 0, 0], [3, 0, 0], [1, 5, 0], [0, 0, 1]], dtype=torch.float64)
    scale = triangle_frames(vertices, FACES[:1]).scales
    assert scale.item() == pytest.approx((3 + 5) / 2)


def test_bind_and_to_world_are_inverse():
    vertices, gaussians = some_mesh(), some_gaussians(50)
    binding = torch.arange(50) % 3
    local = activate(bind(gaussians, binding, vertices, FACES))
    back = to_world(local, binding, triangle_frames(vertices, FACES))
    assert torch.allclose(back.means, gaussians.means)
    assert torch.allclose(back.scales, gaussians.scales)
    assert torch.allclose(back.opacities, gaussians.opacities)
    assert same_rotation(back.quats, gaussians.quats)


@pytest.mark.parametrize("seed", range(3))
def test_a_rigid_motion_of_the_mesh_moves_the_gaussians_rigidly(seed: int):
    vertices, local, binding = some_mesh(), some_gaussians(50), torch.arange(50) % 3
    R, t = rigid(seed)
    before = to_world(local, binding, triangle_frames(vertices, FACES))
    after = to_world(local, binding, triangle_frames(vertices @ R.T + t, FACES))
    assert torch.allclose(after.means, before.means @ R.T + t)
    assert torch.allclose(after.scales, before.scales)
    turned = multiply_quaternions(matrix_to_quaternion(R), before.quats)
    assert same_rotation(after.quats, turned)


def test_a_larger_mesh_makes_larger_gaussians():
    vertices, local, binding = some_mesh(), some_gaussians(9), torch.arange(9) % 3
    once = to_world(local, binding, triangle_frames(vertices, FACES))
    twice = to_world(local, binding, triangle_frames(2 * vertices, FACES))
    assert torch.allclose(twice.means, 2 * once.means)
    assert torch.allclose(twice.scales, 2 * once.scales)


@pytest.mark.parametrize(
    "corners",
    [
        [[0.0, 0, 0]] * 3,
        [[0.0, 0, 0], [1, 0, 0], [2, 0, 0]],
        [[1.0, 2, 3], [1, 2, 3], [4, 5, 6]],
        [[0.0, 0, 0], [0, 0, 0.5], [0, 0, 0.5]],
    ],
    ids=["point", "line", "no edge", "two corners in one"],
)
def test_degenerate_triangles_stay_finite(corners: list[list[float]]):
    vertices = torch.tensor(corners, requires_grad=True)
    faces = torch.tensor([[0, 1, 2]])
    frames = triangle_frames(vertices, faces)
    local, binding = some_gaussians(4, dtype=torch.float32), torch.zeros(4, dtype=torch.int64)
    world = to_world(local, binding, frames)
    fast = fast_rig(lambda _: local, binding, faces)(vertices.detach())
    for gaussians in (world, fast):
        assert all(torch.isfinite(part).all() for part in (gaussians.means, gaussians.quats))
    world.means.sum().backward()
    assert vertices.grad is not None
    assert torch.isfinite(vertices.grad).all()


def test_gradients():
    binding = torch.arange(6) % 3
    local = some_gaussians(6)

    def world(vertices, means, quats, scales):
        moved = Gaussians(means, quats, scales, local.opacities, local.sh)
        out = to_world(moved, binding, triangle_frames(vertices, FACES))
        return out.means, quaternion_to_matrix(out.quats), out.scales

    inputs = (some_mesh(), local.means, local.quats, local.scales)
    assert torch.autograd.gradcheck(world, [i.clone().requires_grad_() for i in inputs])


@pytest.mark.parametrize("seed", range(5))
def test_quaternions_and_matrices_agree(seed: int):
    R, _ = rigid(seed)
    half_turn = torch.diag(torch.tensor([-1.0, -1, 1], dtype=torch.float64))
    for rotation in (R, R @ half_turn, half_turn, torch.eye(3, dtype=torch.float64)):
        assert torch.allclose(quaternion_to_matrix(matrix_to_quaternion(rotation)), rotation)


def on_a_moved_head(count: int) -> tuple[Gaussians, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Local Gaussians, their triangles, and vertices and triangles of a head that grimaces."""
    head = load_head()
    local = some_gaussians(count, dtype=torch.float32)
    generator = torch.Generator().manual_seed(1)
    binding = torch.randint(len(head.faces), (count,), generator=generator)
    moved = head.vertices + head.express({"jawOpen": 0.6, "eyeBlinkLeft": 1.0})
    return local, binding, moved, head.faces


def test_the_fast_rig_is_the_slow_one():
    local, binding, vertices, faces = on_a_moved_head(5000)
    slow = to_world(local, binding, triangle_frames(vertices, faces))
    fast = fast_rig(lambda _: local, binding, faces)(vertices)
    assert torch.allclose(fast.means, slow.means, atol=2e-6)
    assert torch.allclose(fast.scales, slow.scales, rtol=1e-4, atol=1e-7)
    assert same_rotation(fast.quats, slow.quats, 1e-3)


def test_the_fast_gradients_are_the_slow_ones():
    local, binding, vertices, faces = on_a_moved_head(2000)
    camera = torch.randn(3, generator=torch.Generator().manual_seed(2))

    def gradients(mesh: torch.Tensor) -> list[torch.Tensor]:
        leaves = [
            part.clone().requires_grad_() for part in (local.means, local.quats, local.scales)
        ]
        means, quats, scales = leaves
        moved = Gaussians(means, quats, scales, local.opacities, local.sh)
        world = skinned(moved, binding, mesh, faces)
        seen = quaternion_to_matrix(world.quats) @ (world.scales[..., None] * camera[:, None])
        ((seen.squeeze(-1) + world.means - camera).square().sum(1) * binding).sum().backward()
        return [leaf.grad for leaf in leaves if leaf.grad is not None]

    fast, slow = gradients(vertices), gradients(vertices.requires_grad_())
    assert len(fast) == len(slow) == 3
    for one, other in zip(fast, slow, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))
