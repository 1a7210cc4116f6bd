from dataclasses import replace

import torch

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion
from audio2mesh.sync.network import SyncNet3D, apart, lip_directions, lip_offsets


def _grid_face(scale: float = 1.0, order: torch.Tensor | None = None) -> FaceGeometry:
    """60 lip vertices at least 1 mm apart, on 80 vertices."""
    x, y = torch.meshgrid(
        torch.linspace(-0.03, 0.03, 10), torch.linspace(0, 0.02, 6), indexing="ij"
    )
    lips = torch.stack([x.flatten(), y.flatten(), 0.3 * x.flatten().square()], 1)
    rest = torch.cat([lips, torch.randn(20, 3)])[:80]
    order = torch.arange(80) if order is None else order
    none = torch.zeros(0, dtype=torch.long)
    lips_at = torch.argsort(order)[:60]
    return FaceGeometry(rest[order] * scale, lips_at, none, none, none, none)


def _motion(frames: int = 40) -> Motion:
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn(4, 80, 3, generator=generator) * 0.003
    return Motion(torch.randn(frames, 4, generator=generator), basis)


def test_curves_have_unit_size_and_tell_the_offsets():
    face, motion = _grid_face(), _motion(500)
    rest, offsets = lip_offsets(motion, face)
    directions = lip_directions(offsets)[:4]
    curves = SyncNet3D(rest, directions).curves(motion, face)
    torch.testing.assert_close(curves.square().mean(0), torch.ones(4), atol=0.01, rtol=0)
    flat = directions.flatten(1)
    rebuilt = curves @ torch.linalg.pinv(flat).T
    torch.testing.assert_close(rebuilt, offsets.flatten(1), atol=1e-5, rtol=0)


def test_the_same_lips_in_another_order_and_size_give_the_same_curves():
    torch.manual_seed(0)
    order = torch.randperm(80)
    face, motion = _grid_face(), _motion()
    torch.manual_seed(0)
    other = _grid_face(2.5, torch.randperm(80))
    moved = replace(motion, basis=motion.basis[:, order] * 2.5)
    rest, offsets = lip_offsets(motion, face)
    net = SyncNet3D(rest, lip_directions(offsets))
    one, two = net.curves(motion, face), net.curves(moved, other)
    torch.testing.assert_close(one, two, atol=1e-3, rtol=1e-3)


def test_sealed_lips_are_not_mixed():
    points = torch.tensor([[0.0, 0, 0], [0, 0, 0], [0.01, 0, 0], [0.02, 0, 0.0004], [0.02, 0, 0]])
    assert apart(points).tolist() == [2]
    assert apart(points[:2]).tolist() == [0, 1]
