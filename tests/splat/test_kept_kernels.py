"""What reconstruction computes: the same to the bit compiled now or kept on the disk."""

import pytest
from support import python

STEP = """
import hashlib
import numpy as np
from avatar.reconstruct.losses import ssim_and_gradient
from splat.cpu.frame import Image, Scene, View, blend, gradients, project_and_bin

rng = np.random.default_rng(0)
def normal(*shape):
    return rng.normal(size=shape).astype(np.float32)
def equal_after_restart(*parts):
    for part in parts:
        print(hashlib.sha256(np.ascontiguousarray(part).tobytes()).hexdigest())
n = 2000
scales, opacities = np.exp(normal(n, 3)) / 100, rng.uniform(0.1, 0.9, n).astype(np.float32)
scene = Scene(normal(n, 3) / 10, normal(n, 4), scales, opacities, normal(n, 16, 3))
turn = np.linalg.qr(normal(3, 3))[0]
matrix = np.hstack([turn, [[0.03], [0.02], [1]]]).astype(np.float32)
position = (-turn.T @ matrix[:, 3]).astype(np.float32)
lens = np.array((500, 480, 128, 120, 256, 256), np.float32)
by_image = Image(normal(256, 256, 3), normal(256, 256), normal(256, 256))
for antialiased in (False, True):
    view = View(matrix, position, lens, antialiased)
    splats = project_and_bin(scene, view)
    image = blend(splats, view, np.zeros(3, np.float32), with_depth=True)
    by_scene, by_camera = gradients(scene, view, splats, image, by_image)
    assert all(np.abs(part).sum() > 0 for part in by_scene)
    equal_after_restart(*splats[2:], *image, *by_scene, by_camera)
weights = np.ones((256, 256), np.float32)
equal_after_restart(*ssim_and_gradient(image.colors, normal(256, 256, 3), weights))
"""


@pytest.mark.slow
def test_kept_kernels_give_the_same_bits(tmp_path):
    compiled, kept = (python(STEP, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert len(list(tmp_path.rglob("*.rasterize_backward-*.nbi"))) == 1
    assert compiled.split() == kept.split()
