"""What of a mesh can be seen from outside."""

import numpy as np
import pytest
import torch
from head_meshes import HEAD

from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.zbuffer import seen_faces
from avatar.retarget.registration import register
from common.errors import InputError


def test_of_a_mesh_that_is_one_point_nothing_is_seen():
    assert not seen_faces(np.ones((4, 3)), np.array([[0, 1, 2], [1, 2, 3]])).any()
    with pytest.raises(InputError, match="no triangles that can be seen"):
        register(HEAD, Mesh(torch.ones_like(HEAD.vertices), HEAD.faces))
