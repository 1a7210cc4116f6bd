"""Pictures between their pixels."""

import pytest
import torch
from torch.nn import functional

from avatar.tracking.frames import skin_of
from avatar.tracking.pyramid import level, sample


def waves(height: int = 48, width: int = 64) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([torch.sin(x / 7), torch.cos(y / 9), x / width], -1)


def test_pixel_centres_have_the_pixels_colours():
    picture = waves()
    values, _ = sample(picture, torch.tensor([[0.5, 0.5], [10.5, 20.5]]), 1)
    torch.testing.assert_close(values, picture[[0, 20], [0, 10]])


def test_slopes_are_those_of_the_values():
    picture = waves().double()
    random = torch.Generator().manual_seed(0)
    cells = torch.randint(2, 40, (50, 2), generator=random)
    within = 0.8 * torch.rand(50, 2, generator=random, dtype=torch.float64) + 0.1
    places = cells + 0.5 + within
    _, slopes = sample(picture, places, 1)
    for axis in range(2):
        step = torch.zeros(2, dtype=torch.float64)
        step[axis] = 1e-6
        above, below = (sample(picture, places + k * step, 1)[0] for k in (1, -1))
        torch.testing.assert_close(slopes[..., axis], (above - below) / 2e-6, atol=1e-6, rtol=0)


def test_a_coarser_level_shows_the_same_at_the_same_place():
    picture = waves(96, 128)
    places = torch.tensor([[40.0, 30.0], [64.0, 48.0], [90.0, 70.0]])
    fine, _ = sample(level(picture, 1), places, 1)
    for scale in (2, 4):
        coarse, _ = sample(level(picture, scale), places, scale)
        torch.testing.assert_close(coarse, fine, atol=0.1, rtol=0)


def test_outside_the_rim_goes_on():
    picture = waves()
    values, _ = sample(picture, torch.tensor([[-20.0, 0.5], [1000.0, 0.5]]), 1)
    torch.testing.assert_close(values, picture[[0, 0], [0, -1]])


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_level_is_the_convolution_of_the_means_with_the_binomial(scale: int):
    picture = torch.rand(50, 66, 3, generator=torch.manual_seed(0))
    line = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    planes = functional.avg_pool2d(picture.permute(2, 0, 1)[:, None], scale, ceil_mode=True)
    wider = functional.pad(planes, (2, 2, 2, 2), mode="replicate")
    wanted = functional.conv2d(wider, torch.outer(line, line)[None, None])[:, 0].permute(1, 2, 0)
    torch.testing.assert_close(level(picture, scale), wanted, atol=1e-6, rtol=0)


def test_skin_has_skin_all_around_it():
    person, hair = torch.rand(2, 40, 30, generator=torch.manual_seed(1)) ** torch.tensor(0.1)
    hair = 1 - hair
    inside = ((person > 0.5) & (hair < 0.3)).float()
    wanted = -functional.max_pool2d(-inside[None], 7, stride=1, padding=3)[0]
    found = skin_of(person, hair)
    assert 0.1 < found.mean() < 0.9
    torch.testing.assert_close(found, wanted)
