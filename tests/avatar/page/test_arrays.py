"""What a page's arrays hold is what the avatar has, to within their few bits."""

import base64
import gzip
from dataclasses import replace

import numpy as np
import torch

from avatar.geometry.rotations import head_poses, quaternion_to_matrix
from avatar.page.build import (
    avatar_arrays,
    basis_arrays,
    blendshape_arrays,
    light_arrays,
    pack,
    pose_array,
)
from avatar.rigging.avatar import Avatar
from avatar.rigging.blendshapes import Blendshapes, ExpressionSpace
from splat.scene.conventions import SH_C0


def test_packed_arrays_come_back():
    given = {
        "bytes": np.arange(7, dtype=np.uint8),
        "floats": np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3),
        "none": np.zeros(0, np.uint32),
        "swapped": np.arange(5, dtype=">i2"),
    }
    packed = pack(given)
    data = gzip.decompress(base64.b64decode(packed.text))
    for name, array in given.items():
        offset, kind, count = packed.positions[name]
        read = np.frombuffer(data, f"<{kind}" if kind != "u1" else "u1", count, offset)
        assert np.array_equal(read, array.ravel()) and offset % 16 == 0
    assert pack(given) == packed


def test_lights_come_back_as_the_colours_that_they_were():
    colours = np.random.default_rng(0).integers(0, 256, (50, 3)).astype(np.uint8)
    arrays = light_arrays({"stage": colours, "sun": 255 - colours})
    levels = arrays["levels"].view(np.float16).astype(np.float32)
    shown = levels[arrays["light1"]] * SH_C0 + 0.5
    assert np.abs(shown * 255 - (255 - colours)).max() < 0.15


def test_gaussians_lose_less_than_can_be_seen(small_avatar: Avatar):
    arrays, (low, high) = avatar_arrays(small_avatar)
    g = small_avatar.gaussians
    scales = low + (high - low) * arrays["scales"] / 65535
    assert np.abs(scales - g.log_scales.numpy()).max() < 1e-4
    turns = torch.from_numpy(arrays["turns"].astype(np.float32))
    assert torch.allclose(quaternion_to_matrix(turns), quaternion_to_matrix(g.quats), atol=1e-4)
    opacities = torch.sigmoid(g.opacity_logits).numpy()
    assert np.abs(arrays["opacities"] / 65535 - opacities).max() < 1e-5
    colours = arrays["colours"].view(np.float16).astype(np.float32)
    assert np.abs(colours - g.sh.numpy()).max() < 1e-3
    assert np.array_equal(arrays["means"], g.means.numpy())


def test_rows_of_the_basis_name_the_vertices_that_they_move():
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn(3, 50, 3, generator=generator)
    basis[0, 10:] = 0
    basis[1] = 0
    arrays = basis_arrays(basis)
    for row in range(3):
        place = slice(*arrays["basisStart"][row : row + 2])
        back = np.zeros((50, 3), np.float32)
        back[arrays["movedVertices"][place]] = arrays["movedOffsets"][place]
        assert np.array_equal(back, basis[row].numpy())
    assert arrays["basisStart"].tolist() == [0, 10, 10, 60]


def test_poses_turn_the_short_way_between_frames():
    angles = torch.zeros(400, 3)
    angles[:, 0] = torch.linspace(0, 4 * torch.pi, 400)
    poses = head_poses(angles, torch.tensor([0.0, -0.1, 0.0]))
    rows = pose_array(poses)
    assert ((rows[1:, :4] * rows[:-1, :4]).sum(1) > 0.9).all()
    xyzw = torch.from_numpy(rows[:, :4])
    back = quaternion_to_matrix(xyzw.roll(1, 1))
    assert torch.allclose(back, poses[:, :3, :3], atol=1e-5)
    assert np.allclose(rows[:, 4:], poses[:, :3, 3].numpy())


def test_changes_come_back_and_rows_have_the_coefficients_of_their_meshes(small_avatar: Avatar):
    generator = torch.Generator().manual_seed(0)
    rest, count = small_avatar.vertices, len(small_avatar.binding)
    anchors, points = torch.arange(0, 90, 3), torch.arange(1, 200, 3)
    basis = torch.zeros(4, len(rest), 3)
    basis[:, points] = 0.01 * torch.randn(4, len(points), 3, generator=generator)
    directions = torch.randn(2, len(points), 3, generator=generator)
    space = ExpressionSpace(anchors, points, directions, torch.tensor(1e9))
    rows = torch.randperm(count, generator=generator)[:50].sort().values
    changes = torch.randn(50, 6, 2, generator=generator)
    changed = replace(small_avatar, blendshapes=Blendshapes(space, rows, changes))
    arrays = blendshape_arrays(changed, basis)
    assert np.array_equal(arrays["changing"].nonzero()[0], rows.numpy())
    steps = arrays["changes"][arrays["changing"][rows] - 1][..., :3].astype(np.float32) - 128
    back = steps * arrays["changeSizes"].reshape(2, 2, 3)
    assert np.abs(back.reshape(50, 2, 6) - changes.mT.numpy()).max() < 0.02
    assert np.allclose(arrays["expressions"], space.coefficients(rest, rest + basis), atol=1e-3)
    assert blendshape_arrays(small_avatar, basis) == {}
