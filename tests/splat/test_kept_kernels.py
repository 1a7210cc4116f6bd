"""Gradients of the projection: the same to the bit compiled now or kept on the disk."""

import pytest
from support import python

GRADIENTS = """
import hashlib
import numpy as np
from splat.cpu import backward, fields
from splat.cpu.project import project_gaussians
from splat.cpu.project_backward import project_backward

rng = np.random.default_rng(0)
def normal(*shape):
    return rng.normal(size=shape).astype(np.float32)
n = 2000
opacities = rng.uniform(0.1, 0.9, n).astype(np.float32)
scene = normal(n, 3) / 10, normal(n, 4), np.exp(normal(n, 3)) / 100, opacities, normal(n, 4, 3)
view = np.eye(3, 4, dtype=np.float32)
view[2, 3] = 1
camera = view, np.zeros(3, np.float32), tuple(map(np.float32, (500, 500, 128, 128, 256, 256)))
splats = np.zeros((n, fields.FIELDS), np.float32)
keys, rects = np.zeros(n, np.uint32), np.zeros((n, 4), np.int16)
project_gaussians(*scene, *camera, False, splats, keys, rects)
slots, sums = np.arange(n + 1), normal(n, backward.SUMS)
gradients = tuple(np.zeros_like(part) for part in scene)
project_backward(scene, *camera, False, splats, slots, sums, gradients)
assert np.abs(gradients[1]).sum() > 0
print(*(hashlib.sha256(part.tobytes()).hexdigest() for part in (splats, *gradients)))
"""


@pytest.mark.slow
def test_gradients_of_a_kept_kernel(tmp_path):
    compiled, kept = (python(GRADIENTS, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert len(list(tmp_path.rglob("*.project_backward-*.nbi"))) == 1
    assert compiled.split() == kept.split()
