"""What reconstruction computes: the same to the bit compiled now or kept on the disk."""

import pytest
from support import python

STEP = """
import hashlib
import numpy as np
from avatar.reconstruct.fast_ssim import ssim_and_gradient
from splat.cpu.frame import Image, Scene, View, blend, gradients, project_and_bin

rng = np.random.default_rng(0)
def normal(*shape):
    return rng.normal(size=shape).astype(np.float32)
n = 2000
scales, opacities = np.exp(normal(n, 3)) / 100, rng.uniform(0.1, 0.9, n).astype(np.float32)
scene = Scene(normal(n, 3) / 10, normal(n, 4), scales, opacities, normal(n, 4, 3))
matrix = np.eye(3, 4, dtype=np.float32)
matrix[2, 3] = 1
lens = np.array((500, 500, 128, 128, 256, 256), np.float32)
view = View(matrix, np.zeros(3, np.float32), lens, False)
splats = project_and_bin(scene, view)
image = blend(splats, view, np.zeros(3, np.float32), with_depth=True)
by_image = Image(normal(256, 256, 3), normal(256, 256), normal(256, 256))
by_scene, by_camera = gradients(scene, view, splats, image, by_image)
likeness = ssim_and_gradient(image.colors, normal(256, 256, 3), np.ones((256, 256), np.float32))
assert all(np.abs(part).sum() > 0 for part in by_scene)
for part in (*splats, *image, *by_scene, by_camera, *likeness):
    print(hashlib.sha256(np.ascontiguousarray(part).tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_kept_kernels_give_the_same_bits(tmp_path):
    compiled, kept = (python(STEP, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert len(list(tmp_path.rglob("*.rasterize_backward-*.nbi"))) == 1
    assert compiled.split() == kept.split()
