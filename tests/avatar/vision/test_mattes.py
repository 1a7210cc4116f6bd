"""Mattes of made-up people, and the filter that carries them to the full size."""

import torch
import torch.nn.functional as F
from heads_in_pictures import head
from torch import Tensor
from torch.testing import assert_close

from avatar.vision.mattes import (
    ACROSS,
    EPSILON,
    RADIUS,
    find_mattes,
    guided_upsampling,
    load_matting,
    own_colours,
)


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


def test_the_kernels_are_the_plain_filter():
    random = torch.manual_seed(2)
    picture, mattes = torch.rand(2, 75, 50, 3, generator=random), torch.rand(2, 30, 20, 2)
    small = F.interpolate(picture.permute(0, 3, 1, 2), (30, 20), mode="area").permute(0, 2, 3, 1)
    fast, plain = (f(mattes, small, picture) for f in (guided_upsampling, plain_upsampling))
    assert_close(fast, plain, atol=2e-4, rtol=0)


def shrunk(picture: Tensor, size: int) -> Tensor:
    return F.interpolate(picture.permute(0, 3, 1, 2), (size, size), mode="area").permute(0, 2, 3, 1)


def plain_upsampling(mattes: Tensor, small: Tensor, pictures: Tensor) -> Tensor:
    """Mattes as `guided_upsampling` makes them, in torch."""
    colours, mattes, guide = (each.permute(0, 3, 1, 2) for each in (small, mattes, pictures))
    mean, mean_matte = means(colours), means(mattes)
    spread = means_of_products(colours, colours) - mean[:, :, None] * mean[:, None]
    spread = spread + EPSILON * torch.eye(3, device=spread.device)[..., None, None]
    covariance = means_of_products(mattes, colours) - mean_matte[:, :, None] * mean[:, None]
    slopes = (covariance[:, :, None] * inverse(spread)[:, None]).sum(3)  # [N, M, 3, h, w]
    rests = mean_matte - (slopes * mean[:, None]).sum(2)
    lines = means(torch.cat([slopes.flatten(1, 2), rests], 1))
    lines = F.interpolate(lines, pictures.shape[1:3], mode="bilinear")
    slopes, full = lines.split((lines.shape[1] - rests.shape[1], rests.shape[1]), 1)
    full = full + (slopes.unflatten(1, (-1, 3)) * guide[:, None]).sum(2)
    return full.clamp(0, 1).permute(0, 2, 3, 1)


def inverse(matrices: Tensor) -> Tensor:
    """Inverses of symmetric matrices [N, 3, 3, h, w], by the adjugate."""
    a, b, c = matrices.unbind(1)
    adjugate = torch.stack([b.cross(c, 1), c.cross(a, 1), a.cross(b, 1)], 1)
    return adjugate / (a * adjugate[:, 0]).sum(1)[:, None, None]


def means_of_products(a: Tensor, b: Tensor) -> Tensor:
    """Means of a [N, A, h, w] times b [N, B, h, w]: [N, A, B, h, w]."""
    products = a[:, :, None] * b[:, None]
    return means(products.flatten(1, 2)).unflatten(1, products.shape[1:3])


def means(maps: Tensor) -> Tensor:
    """Means [N, C, h, w] over the squares about each pixel; with borders replicated."""
    wider = F.pad(maps, (RADIUS,) * 4, mode="replicate")
    return F.avg_pool2d(wider, ACROSS, 1)
