"""The colours of a person where their matte is soft."""

import pytest
import torch

from avatar.vision.soft_edges import own_colours, plain_own_colours


def test_nothing_of_the_background_shines_through_a_soft_edge():
    y, x = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    matte = ((80 - torch.hypot(x - 128, y - 128)) / 4).clamp(0, 1)
    own, behind = torch.tensor([0.2, 0.1, 0.1]), torch.tensor([0.1, 0.9, 0.2])
    picture = torch.lerp(behind, own, matte[..., None])
    found = own_colours(picture, matte)
    person = own * matte[..., None]
    before, after = (float((p * matte[..., None] - person).abs().max()) for p in (picture, found))
    assert before > 0.19 and after < 0.1
    assert torch.equal(found[matte == 0], picture[matte == 0])
    assert torch.allclose(found[matte == 1], picture[matte == 1])


@pytest.mark.parametrize(("height", "width"), [(256, 256), (301, 270), (40, 60)])
def test_the_kernels_are_the_plain_ones(height: int, width: int):
    random = torch.Generator().manual_seed(0)
    picture = torch.rand(height, width, 3, generator=random)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    matte = ((height / 3 - torch.hypot(x - width / 2, y - height / 2)) / 8).clamp(0, 1)
    matte[: height // 8] = torch.rand(height // 8, width, generator=random)
    fast, plain = own_colours(picture, matte), plain_own_colours(picture, matte)
    assert (fast != picture).any(-1).sum() > 100
    torch.testing.assert_close(fast, plain, atol=1e-5, rtol=1e-5)
