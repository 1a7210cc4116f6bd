"""The static offset is smooth, leaves the neck's end and moves eyes and teeth as a whole."""

import pytest
import torch
from torch import Tensor

from avatar.heads import load_head
from avatar.heads.shape_space import PARTS
from avatar.retarget.template import template_of
from avatar.tracking.model import SHAPES, SPREAD, face_model, offset_modes, with_offsets


@pytest.fixture(scope="module")
def modes() -> Tensor:
    return offset_modes(load_head())


def test_offsets_are_so_large_and_the_smoothest_are_the_largest(modes):
    head = load_head()
    face = torch.from_numpy(template_of(head).weight > 0.5)
    sizes = modes[:, face].square().mean((1, 2)).sqrt()  # [3 SHAPES]
    along_an_axis = (modes[:, face] ** 2).sum(0).mean(0).sqrt()
    assert modes.shape == (3 * SHAPES, len(head.vertices), 3)
    torch.testing.assert_close(
        along_an_axis, torch.full_like(along_an_axis, SPREAD), rtol=0.2, atol=0
    )
    assert sizes[:15].mean() > 2 * sizes[-15:].mean()


def test_the_end_of_the_neck_stays(modes):
    still = load_head().pose_weights == 0
    assert still.any()
    assert not modes[:, still].any()


def test_eyes_teeth_and_tongue_keep_their_form(modes):
    head = load_head()
    rigid = (head.pose_weights == 1).numpy()
    for part in PARTS:
        index = head.group_vertices(part)
        moved = modes[:, index[rigid[index]]]
        assert (moved - moved[:, :1]).abs().max() < 1e-9


def test_the_model_has_its_modes_first():
    before = face_model()
    after = with_offsets(before)
    torch.testing.assert_close(after.modes[: len(before.modes)], before.modes)
    assert len(after.precision) == len(after.modes) == len(before.modes) + 3 * SHAPES
