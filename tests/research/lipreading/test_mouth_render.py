from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch.nn import functional

from avatar.heads import load_head
from research.lipreading.mouth_view import SIZE, MouthView, random_view
from research.lipreading.render import mouth_renderer

HEAD = load_head()
RENDER = mouth_renderer(HEAD)
OPEN = {"jawOpen": 0.6}
SPREAD = {"mouthStretchLeft": 0.8, "mouthStretchRight": 0.8}
ROUND = {"mouthPucker": 0.8}


def posed(weights: Mapping[str, float]) -> torch.Tensor:
    return HEAD.vertices + HEAD.express(weights)


def crop(weights: Mapping[str, float]) -> torch.Tensor:
    return RENDER(posed(weights)[None])[0]


def test_crops_are_grey_pictures_that_show_a_mouth():
    image = crop({})
    assert image.shape == (SIZE, SIZE)
    assert image.min() >= 0
    assert image.max() <= 1
    middle = image[SIZE // 2 - 12 : SIZE // 2 + 8, SIZE // 2 - 4 : SIZE // 2 + 4]
    assert middle.mean() < image[-20:-14, SIZE // 2 - 4 : SIZE // 2 + 4].mean() - 0.1  # the chin


def test_the_mouth_is_as_wide_as_the_view_says():
    lips = HEAD.vertices[HEAD.regions["lips"]]
    corner = int(lips[:, 0].argmax())
    moved = HEAD.vertices.clone()
    near = (moved - lips[corner]).norm(dim=1) < 0.004
    moved[near, 2] += 0.004
    both = RENDER(torch.stack([HEAD.vertices, moved]))
    changed = (both[0] - both[1]).abs().sum(0)  # [W]
    centre = float((changed * torch.arange(SIZE)).sum() / changed.sum())
    assert centre == pytest.approx(SIZE * (0.5 + 0.55 / 2), abs=4)


def test_an_open_mouth_is_dark_where_the_lips_were():
    shut, opened = crop({}), crop(OPEN)
    rows, columns = slice(SIZE // 2 + 2, SIZE // 2 + 12), slice(SIZE // 2 - 8, SIZE // 2 + 8)
    assert opened[rows, columns].mean() < shut[rows, columns].mean() - 0.1
    assert (opened - shut)[:16].abs().max() < 0.05  # the nose stays


def test_teeth_show_when_the_lips_part():
    parted = {
        name + side: 0.5
        for name in ("mouthLowerDown", "mouthUpperUp")
        for side in ("Left", "Right")
    }
    shut, teeth = crop({}), crop({"jawOpen": 0.05, **parted})
    rows, columns = slice(SIZE // 2 - 8, SIZE // 2 + 6), slice(SIZE // 2 - 6, SIZE // 2 + 6)
    assert teeth[rows, columns].max() > shut[rows, columns].max() + 0.1


def test_rounded_lips_are_narrower_than_spread_ones():
    skin = crop({})[SIZE // 2 + 25, SIZE // 2]

    def width(weights: Mapping[str, float]) -> int:
        dark = crop(weights)[SIZE // 2 - 8 : SIZE // 2 + 8].amin(0) < skin - 0.15
        return int(dark.sum())

    assert width(ROUND) < width({}) < width(SPREAD)


def test_a_batch_is_its_single_frames():
    poses = torch.stack([posed(weights) for weights in ({}, OPEN, ROUND)])
    together = RENDER(poses)
    for frame, pose in zip(together, poses, strict=True):
        assert torch.equal(frame, RENDER(pose[None])[0])


@pytest.mark.parametrize("region", ["neck", "scalp", "eyes"])
def test_what_is_no_mouth_does_not_matter(region: str):
    moved = HEAD.vertices.clone()
    moved[HEAD.regions[region]] += 0.01
    assert torch.equal(RENDER(moved[None]), RENDER(HEAD.vertices[None]))


def test_turning_the_camera_mirrors_a_mirrored_face():
    left, right = (
        mouth_renderer(HEAD, view=MouthView(azimuth=azimuth, light=(0.0, 30.0)))(posed({})[None])[0]
        for azimuth in (-15.0, 15.0)
    )
    assert (left - right.flip(1)).abs().mean() < 0.02
    assert (left - right).abs().mean() > 0.03


def test_the_gradient_is_the_slope():
    """Discs change places in depth as they move, so single slopes scatter a little."""
    generator = torch.Generator().manual_seed(3)
    start = posed({"jawOpen": 0.3})
    weights = torch.randn(1, 1, SIZE // 8, SIZE // 8, generator=generator)
    weights = functional.interpolate(weights, (SIZE, SIZE), mode="bicubic")[0]

    def value(vertices: torch.Tensor) -> torch.Tensor:
        return (RENDER(vertices[None]) * weights).sum()

    vertices = start.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(vertices), vertices)
    moving = [unit for unit in HEAD.units if float((gradient * unit).sum().abs()) > 1]
    directions = torch.stack(moving)  # [n, V, 3]
    step = 0.02
    slopes = [(value(start + step * d) - value(start - step * d)) / (2 * step) for d in directions]
    predicted, measured = (directions * gradient).sum((1, 2)), torch.stack(slopes)
    assert len(moving) > 15
    assert (predicted - measured).norm() < 0.2 * measured.norm()


def test_following_the_gradient_closes_the_mouth():
    target = crop({})
    weight = torch.tensor(0.25, requires_grad=True)
    unit = HEAD.unit("jawOpen")
    for _ in range(12):
        loss = (RENDER((HEAD.vertices + weight * unit)[None])[0] - target).square().mean()
        (gradient,) = torch.autograd.grad(loss, weight)
        weight = (weight - 8.0 * gradient).detach().requires_grad_()
    assert weight.abs().item() < 0.05


def test_random_views_differ_and_follow_their_seed():
    draw = [random_view(np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert draw[0] == draw[1] != draw[2]
    assert abs(draw[0].azimuth) <= 20
