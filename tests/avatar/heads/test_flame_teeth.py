import hashlib

import numpy as np
import pytest
import torch
from flame_files import write_flame

from avatar.heads.flame_model import LIP_OUTER_LOWER, LIP_OUTER_UPPER, FlameModel, load_flame
from avatar.heads.flame_regions import LOWER_TEETH, ROWS, UPPER_TEETH, add_teeth, teeth_faces

PUBLISHED = "8cb54eda8e4edef5ff44c548d78c3e68ebc07a8eec09807f749a7248a253e752"
"""SHA-256 of GaussianAvatars' list of 168 triangles as little-endian int32, counted from 0."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> FlameModel:
    return load_flame(write_flame(tmp_path_factory.mktemp("flame"), kind="npz"))


def test_the_triangles_are_gaussian_avatars_own():
    """Bindings of existing avatars point into this list, so its order counts."""
    faces = teeth_faces().numpy() - 5023
    assert faces.shape == (168, 3)
    assert hashlib.sha256(faces.astype("<i4").tobytes()).hexdigest() == PUBLISHED
    assert tuple(faces[133]) == (101, 116, 115)  # as corrected in May 2024
    assert tuple(faces[0]) == (0, 31, 30) and tuple(faces[167]) == (118, 119, 59)


def test_counts(model: FlameModel):
    toothed = add_teeth(model)
    assert toothed.topology == "flame-teeth" and model.topology == "flame"
    assert toothed.faces.shape == (10144, 3) and len(toothed.template) == 5143
    assert torch.equal(toothed.faces[:9976], model.faces)
    assert add_teeth(toothed) is toothed
    assert sorted((*UPPER_TEETH, *LOWER_TEETH)) == list(range(5023, 5143))


def test_the_rows_stand_behind_the_lips_as_far_as_the_rings_are_apart(model: FlameModel):
    """By hand, in multiples of the mean gap between the rings of the lips."""
    rest = add_teeth(model).template.double().numpy()
    upper, lower = rest[list(LIP_OUTER_UPPER)], rest[list(LIP_OUTER_LOWER)]
    gap = np.sqrt(((upper - lower) ** 2).sum(1)).mean()
    height = ((upper + lower) / 2)[:, 1].mean()
    front = ((upper + lower) / 2)[:, 2]
    expected = {  # (y above the middle, z behind the lips) in gaps
        "upper edge": (0.1, 1.5),
        "upper root": (2.1, 1.5),
        "upper edge back": (0.1, 2.5),
        "upper root back": (2.1, 2.5),
        "lower edge": (-0.1, 1.9),
        "lower root": (-2.1, 1.9),
        "lower edge back": (-0.1, 2.9),
        "lower root back": (-2.1, 2.9),
    }
    assert set(ROWS) == set(expected)
    for name, (up, back) in expected.items():
        row = rest[list(ROWS[name])]
        assert np.allclose(row[:, 0], ((upper + lower) / 2)[:, 0], atol=1e-7)
        assert np.allclose(row[:, 1], height + up * gap, atol=1e-7)
        assert np.allclose(row[:, 2], front - back * gap, atol=1e-7)


def test_each_band_looks_outward(model: FlameModel):
    """Fronts face forward, backs backward, and no triangle is degenerate."""
    toothed = add_teeth(model)
    v0, v1, v2 = (toothed.template[toothed.faces[9976:, k]] for k in range(3))
    normals = torch.linalg.cross(v1 - v0, v2 - v0)
    assert normals.norm(dim=1).min() > 1e-8
    strips = normals.unflatten(0, (6, 28))
    for front, back in ((0, 1), (3, 4)):
        assert (strips[front, :, 2] > 0).all() and (strips[back, :, 2] < 0).all()
    assert (strips[2, :, 1] < 0).all() and (strips[5, :, 1] > 0).all()


def test_the_shape_moves_the_teeth_as_the_lips_before_them(model: FlameModel):
    toothed = add_teeth(model)
    rings = [toothed.shape_directions[list(r)] for r in (LIP_OUTER_UPPER, LIP_OUTER_LOWER)]
    for row in ROWS.values():
        assert torch.equal(toothed.shape_directions[list(row)], (rings[0] + rings[1]) / 2)
    assert not toothed.expression_directions[5023:].any()
    assert not toothed.pose_directions[5023:].any()
    assert not toothed.joint_regressor[:, 5023:].any()
