"""Any number of threads draws the same picture."""

import pytest
from support import python

DRAW_TWICE = """
import torch
from common.threads import use_threads
from splat import render
from research.bench.rasterizer import head_camera, head_of_gaussians
gaussians, camera = head_of_gaussians(5_000, 1), head_camera()
def drawn(threads):
    assert use_threads(threads) == threads
    gaussians.means.requires_grad_().grad = None
    picture = render(gaussians, camera, backend="cpu")
    (picture.color.square().sum() + picture.depth.sum()).backward()
    return picture.color, picture.alpha, picture.depth, gaussians.means.grad
one, two = drawn(1), drawn(2)
print(all(torch.equal(a, b) for a, b in zip(one, two)), one[1].mean() > 0.1)
"""


@pytest.mark.slow
def test_one_thread_and_two_give_the_same_bits_of_picture_and_gradient():
    assert python(DRAW_TWICE, NUMBA_NUM_THREADS="2").splitlines()[-1] == "True tensor(True)"
