"""Conjugate gradients, held to the whole system of equations at once."""

import numpy as np
import scipy.sparse as sp

from avatar.retarget.nonrigid_icp import conjugate

COUNT = 40


def test_conjugate_gradients_solve_the_whole_system():
    rng = np.random.default_rng(0)
    half = sp.csr_array(np.where(rng.random((COUNT, COUNT)) < 0.1, rng.normal(), 0.0))
    shared = sp.csr_array(half @ half.T + 0.5 * sp.eye_array(COUNT))
    ways = rng.normal(size=(COUNT, 3))
    blocks = ways[:, :, None] * ways[:, None]
    right = rng.normal(size=(COUNT, 3))
    system = np.kron(shared.toarray(), np.eye(3))
    for k in range(COUNT):
        system[3 * k : 3 * k + 3, 3 * k : 3 * k + 3] += blocks[k]
    expected = np.linalg.solve(system, right.ravel()).reshape(right.shape)
    per_axis = np.linalg.inv(shared.toarray() + np.diag(0.4 * (ways**2).sum(1)))
    found = conjugate(shared, blocks, lambda rest: per_axis @ rest, right)
    assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)
    assert not conjugate(shared, blocks, lambda rest: per_axis @ rest, 0 * right).any()
