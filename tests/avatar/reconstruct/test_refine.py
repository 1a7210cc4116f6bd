from dataclasses import replace
from pathlib import Path

import pytest
import torch
from captures import ring, tetrahedron

from avatar.geometry.edges import smooth_modes
from avatar.heads import load_head
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.corrections import no_colour_change, recolour, row_adam
from avatar.reconstruct.head_seeds import first_gaussians
from avatar.reconstruct.losses import emphasised_pixels
from avatar.reconstruct.options import (
    AvatarTrainOptions,
    DensifyOptions,
    LearningRates,
    RefineOptions,
)
from avatar.reconstruct.trainer import AvatarTrainer


def test_adam_on_a_row_is_torchs_and_leaves_other_rows():
    ours = row_adam(torch.ones(3, 4))
    theirs = torch.ones(4, requires_grad=True)
    adam = torch.optim.Adam([theirs], lr=0.1, betas=(0.9, 0.99), eps=1e-15)
    for seed in range(5):
        gradient = torch.randn(4, generator=torch.Generator().manual_seed(seed))
        ours.step(1, gradient, 0.1)
        theirs.grad = gradient
        adam.step()
    assert torch.allclose(ours.values[1], theirs.detach(), atol=1e-6)
    assert (ours.values[[0, 2]] == 1).all()


def test_modes_are_smooth_and_of_unit_size():
    head = load_head()
    modes = smooth_modes(head.faces, 40, len(head.vertices))
    assert torch.allclose(modes.square().mean(0), torch.ones(40), atol=1e-3)
    a, b = head.faces[:, 0], head.faces[:, 1]
    assert (modes[a] - modes[b]).square().mean() < 0.02


def test_modes_span_shifts_of_the_whole_mesh():
    head = load_head()
    modes = smooth_modes(head.faces, 40, len(head.vertices)).double()
    ones = torch.ones(len(modes), 1, dtype=torch.float64)
    fit = modes @ torch.linalg.lstsq(modes, ones).solution
    assert torch.allclose(fit, ones, atol=1e-3)


def test_a_camera_without_correction_changes_nothing():
    picture = torch.rand(4, 5, 3)
    assert torch.equal(recolour(picture, torch.rand(4, 5), no_colour_change(1)[0]), picture)


def test_the_exposure_of_every_moment_of_a_film_is_found():
    """Whatever lies behind the subject, which has no exposure."""
    mesh, camera = tetrahedron(), ring(1, (64, 64))[0]
    capture = Capture("mesh", mesh.vertices, mesh.faces, mesh.vertices[None].repeat(2, 1, 1), {})
    views = [View(camera, Path(f"{k}.png"), None, k, "0") for k in range(2)]
    capture = replace(capture, splits={"train": tuple(views)})
    options = AvatarTrainOptions(
        steps=200,
        coarse=0.0,
        sh_degree=0,
        rates=LearningRates(0.0, 1.0, 1.0, *[0.0] * 5),
        densify=DensifyOptions(every=0),
        refine=RefineOptions(colour=True, colour_rate=0.01),
    )
    bound = first_gaussians(capture, torch.rand(4, 3, generator=seeded()) * 0.5 + 0.2, 0)
    region = torch.empty(0, dtype=torch.int64)
    trainer = AvatarTrainer(capture, bound, region, options, 4, torch.device("cpu"))
    drawn = trainer.draw(views[0], torch.zeros(3)) * 255
    mask = (255 - 255 * (trainer.draw(views[0], torch.ones(3)) - drawn / 255)).mean(-1)
    for step in range(200):
        gain = (0.9, 1.1)[step % 2]
        color = (drawn * gain).round().byte().numpy()
        trainer.learn(views[step % 2], Picture(color, mask.round().byte().numpy()))
    assert trainer.corrections.colours is not None
    level = drawn.mean(-1).sum() / mask.sum()
    dark, bright = (
        float((level * values[0].exp() + values[1]).mean())
        for values in trainer.corrections.colours.values
    )
    assert bright / dark == pytest.approx(1.1 / 0.9, rel=0.03)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_weights_are_high_at_the_region_and_one_elsewhere():
    mesh, camera = tetrahedron(), ring(1, (64, 64))[0]
    everything = torch.arange(4)
    weights = emphasised_pixels(camera, mesh.vertices, mesh.faces, everything, 2.0)
    assert weights.shape == (64, 64)
    assert weights.min() == 1 and 2 < float(weights.max()) <= 3
    assert (emphasised_pixels(camera, mesh.vertices, mesh.faces, everything, 0.0) == 1).all()
    assert (emphasised_pixels(camera, mesh.vertices, mesh.faces, everything[:0], 2.0) == 1).all()
