"""Completed Gaussians may lie far from their triangles: nothing pulls them back."""

from pathlib import Path

import numpy as np
import pytest
import torch
from captures import ring, tetrahedron

from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.head_seeds import first_gaussians
from avatar.reconstruct.options import AvatarTrainOptions
from avatar.reconstruct.trainer import EVERY, LARGEST, AvatarTrainer

FAR = 30.0  # triangle sizes: out of the picture


FULL = np.full((64, 64), 255, np.uint8)
WHITE = Picture(np.repeat(FULL[..., None], 3, 2), FULL)


def begun(shown: torch.Tensor | None) -> tuple[AvatarTrainer, View]:
    """Gaussians of which two start far away from their triangles, and the others as needles."""
    mesh, cameras = tetrahedron(), ring(2, (64, 64))
    views = tuple(View(c, Path("none.png"), None, 0, str(n)) for n, c in enumerate(cameras))
    capture = Capture("mesh", mesh.vertices, mesh.faces, mesh.vertices[None], {"train": views})
    bound = first_gaussians(capture, torch.full((4, 3), 0.5), 0)
    bound.parts["means"][:2, 0] = FAR
    bound.parts["log_scales"][2:, 0] += 5.0
    assert EVERY > 3
    options = AvatarTrainOptions(steps=10, coarse=0.0)
    region = torch.empty(0, dtype=torch.int64)
    return AvatarTrainer(capture, bound, region, options, 4, torch.device("cpu"), shown), views[0]


def after_some_steps(shown: torch.Tensor | None) -> AvatarTrainer:
    trainer, view = begun(shown)
    for _ in range(3):
        trainer.learn(view, WHITE)
    return trainer


def far_places(trainer: AvatarTrainer) -> torch.Tensor:  # [2]
    return trainer.bound.parts["means"][:2, 0].detach()


def test_gaussians_are_pulled_to_their_triangles():
    assert (far_places(after_some_steps(None)) < FAR).all()


def test_completed_ones_that_begin_far_away_stay():
    assert (far_places(after_some_steps(torch.ones(4))) == FAR).all()


@pytest.mark.parametrize("completed", [False, True])
def test_what_completes_a_head_grows_to_no_needles(completed: bool):
    trainer = after_some_steps(torch.ones(4) if completed else None)
    scales = trainer.bound.parts["log_scales"].detach().exp().amax(1)  # [4]
    longest = float((scales * trainer.sizes[trainer.bound.binding]).max())
    assert longest == pytest.approx(LARGEST) if completed else longest > 2 * LARGEST


def test_what_completes_a_head_grows_to_no_more_than_twice_its_breadth(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("avatar.reconstruct.trainer.LARGEST", 1.0)
    trainer, view = begun(torch.ones(4))
    first = trainer.bound.parts["log_scales"].detach()[:2].amax(1).exp()
    with torch.no_grad():
        trainer.bound.parts["log_scales"][:2, 0] += 1.0
    trainer.learn(view, WHITE)
    assert torch.allclose(trainer.bound.parts["log_scales"].detach()[:2].amax(1).exp(), 2 * first)
