"""Mattes of made-up people, and the filter that carries them to the full size."""

import torch
import torch.nn.functional as F
from heads_in_pictures import head
from torch import Tensor
from torch.testing import assert_close

from avatar.vision.mattes import find_mattes, guided_upsampling, load_matting, plain_upsampling


def test_mattes_know_the_person_and_the_hair():
    pictures = torch.stack([head("bob", 384), head("man", 384)])
    person, hair = find_mattes(load_matting(), pictures)
    assert person.shape == hair.shape == (2, 384, 384)
    for matte in (person, hair):
        assert matte.min() >= 0 and matte.max() <= 1
    assert (hair <= person).all()
    truth = pictures.amax(-1) > 0.02  # they stand before black
    for k in range(2):
        both = ((person[k] > 0.5) & truth[k]).sum() / ((person[k] > 0.5) | truth[k]).sum()
        assert both > 0.95
    face, crown = (slice(210, 240), slice(180, 200)), (slice(60, 75), slice(180, 200))
    assert hair[0][face].max() < 0.1 and hair[0][crown].min() > 0.8
    assert hair[0].mean() > 2 * hair[1].mean()  # hers is long


def test_the_filter_follows_the_edges_of_the_picture():
    sharp = torch.zeros(64, 64)
    sharp[:, 37:] = 1
    picture = (sharp[..., None] * 0.6 + 0.2).expand(64, 64, 3)[None]
    small = shrunk(picture, 16)
    matte = F.avg_pool2d(shrunk(sharp[None, ..., None], 16).permute(0, 3, 1, 2), 3, 1, 1)
    full = guided_upsampling(matte.permute(0, 2, 3, 1), small, picture)[0, ..., 0]
    plain = F.interpolate(matte, (64, 64), mode="bilinear")[0, 0]
    assert full[16:48, 36].max() < 0.15 and full[16:48, 37].min() > 0.8
    assert plain[8:56, 36].min() > 0.4 and plain[8:56, 37].max() < 0.6


def test_the_filter_keeps_an_even_matte_and_takes_many_at_once():
    picture = torch.rand(2, 40, 50, 3, generator=torch.manual_seed(0))
    small = F.interpolate(picture.permute(0, 3, 1, 2), (20, 20), mode="area").permute(0, 2, 3, 1)
    even = guided_upsampling(torch.full((2, 20, 20, 1), 0.7), small, picture)
    assert_close(even, torch.full((2, 40, 50, 1), 0.7), atol=1e-3, rtol=0)
    two = torch.rand(2, 20, 20, 2, generator=torch.manual_seed(1))
    together = guided_upsampling(two, small, picture)
    assert_close(together[..., 1:], guided_upsampling(two[..., 1:], small, picture))


def test_the_kernels_are_the_plain_filter():
    random = torch.manual_seed(2)
    picture, mattes = torch.rand(2, 75, 50, 3, generator=random), torch.rand(2, 30, 20, 2)
    small = F.interpolate(picture.permute(0, 3, 1, 2), (30, 20), mode="area").permute(0, 2, 3, 1)
    fast, plain = (f(mattes, small, picture) for f in (guided_upsampling, plain_upsampling))
    assert_close(fast, plain, atol=2e-4, rtol=0)


def shrunk(picture: Tensor, size: int) -> Tensor:
    return F.interpolate(picture.permute(0, 3, 1, 2), (size, size), mode="area").permute(0, 2, 3, 1)
