from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.records import concatenated, stacked
from avatar.geometry.vectors import Floats


@dataclass(frozen=True)
class Inner:
    values: Tensor


@dataclass(frozen=True)
class Outer:
    rows: Floats
    inner: Inner


def test_all_rows_follow_each_other_in_every_field():
    parts = [Outer(np.full((n, 2), n), Inner(torch.full((n,), n))) for n in (1, 3)]
    whole = concatenated(parts)
    assert whole.rows[:, 0].tolist() == whole.inner.values.tolist() == [1, 3, 3, 3]


def test_stacked_triangles_name_the_vertices_of_their_own_mesh():
    faces = [np.array([[0, 1, 2]]), np.array([[2, 0, 1]]), np.array([[0, 1, 2]])]
    assert stacked(faces, [3, 4, 3]).tolist() == [[0, 1, 2], [5, 3, 4], [7, 8, 9]]
