"""What a film shows change with the expression is learnt, and known again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import load_head
from avatar.reconstruct.bound_gaussians import raw_of
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.fit import Start, film_expressions, finished_avatar, start_trainer
from avatar.reconstruct.head_seeds import first_gaussians
from avatar.reconstruct.options import AvatarTrainOptions, ReconstructOptions
from avatar.reconstruct.trainer import AvatarTrainer
from avatar.retarget.fitted_face import Face
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from splat import Gaussians, orbit, render

CPU = torch.device("cpu")
HEAD = load_head()
FRAMES, LEARNT, STEPS = 60, 50, 200
LEAST = 0.004  # redness of lips
CAMERA = orbit(torch.tensor([0.0, -0.03, 0.02]), 0.4, 0.0, 0.0, 25.0, 80, 80)
FLUSH = torch.tensor([0.0, 0.1, 0.1])  # of the SH coefficients, what lips lose as the jaw opens


@pytest.fixture(scope="module")
def jaw() -> Tensor:  # [FRAMES]
    return torch.rand(FRAMES, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def capture(jaw: Tensor) -> Capture:
    meshes = HEAD.vertices + jaw[:, None, None] * HEAD.unit("jawOpen")
    views = tuple(View(CAMERA, Path(f"{k}.png"), None, k, "0") for k in range(FRAMES))
    splits = {"train": views[:LEARNT], "val": (), "test": views[LEARNT:]}
    return Capture("anny-head", HEAD.vertices, HEAD.faces, meshes, splits)


@pytest.fixture(scope="module")
def start(capture: Capture) -> Start:
    bound = first_gaussians(capture, torch.full((len(HEAD.faces), 3), 0.6), 0)
    mesh = (capture.rest, capture.faces, capture.topology)
    return Start(Avatar(raw_of(bound), bound.binding, *mesh), capture)


@pytest.fixture(scope="module")
def truth(capture: Capture, start: Start, jaw: Tensor) -> list[Tensor]:
    """Pictures [H, W, 4] of lips that redden as the jaw opens."""
    lips = torch.zeros(len(HEAD.vertices), dtype=torch.bool)
    lips[HEAD.regions["lips"]] = True
    red = lips[HEAD.faces].all(1)[start.avatar.binding]
    rig = avatar_rig(start.avatar, CPU)

    def picture(row: int) -> Tensor:
        there = rig(capture.vertices[row])
        sh = there.sh - (red[:, None, None] * FLUSH) * jaw[row]
        return drawn(replace(there, sh=sh))

    return [picture(row) for row in range(FRAMES)]


def drawn(gaussians: Gaussians) -> Tensor:
    """[H, W, 4], over black."""
    seen = render(gaussians, CAMERA, background=torch.zeros(3), with_depth=False)
    return torch.cat([seen.color, seen.alpha[..., None]], -1).clamp(0, 1)


def as_picture(seen: Tensor) -> Picture:
    colour = seen[..., :3] / seen[..., 3:].clamp(min=1e-3)
    levels = (255 * torch.cat([colour, seen[..., 3:]], -1)).round().byte().numpy()
    return Picture(np.ascontiguousarray(levels[..., :3]), np.ascontiguousarray(levels[..., 3]))


def learnt(capture: Capture, start: Start, truth: list[Tensor], face: Face | None) -> AvatarTrainer:
    train = AvatarTrainOptions(steps=STEPS, coarse=0)
    options = ReconstructOptions(Path("none"), Path("none.ply"), train=train)
    trainer = start_trainer(options, capture, face, CPU, start)
    for step in range(STEPS):
        view = capture.splits["train"][step % LEARNT]
        trainer.learn(view, as_picture(truth[view.timestep]))
    return trainer


def error(capture: Capture, truth: list[Tensor], avatar: Avatar) -> float:
    """Mean square of what is wrong with the redness of the lips in frames that are held out."""
    rig, off = avatar_rig(avatar, CPU), []
    for view in capture.splits["test"]:
        true, seen = (
            redness(truth[view.timestep]),
            redness(drawn(rig(capture.vertices[view.timestep]))),
        )
        off.append((seen - true)[true > LEAST])
    return float(torch.cat(off).square().mean())


def redness(seen: Tensor) -> Tensor:
    return seen[..., 0] - seen[..., 1]


def test_colours_that_change_with_the_jaw_are_learnt(
    capture: Capture, start: Start, truth: list[Tensor]
):
    face = Face(Mesh(HEAD.vertices, HEAD.faces), HEAD)
    trainer = learnt(capture, start, truth, face)
    shaped = finished_avatar(trainer, capture, face)
    plain = finished_avatar(learnt(capture, start, truth, None), capture, None)
    assert shaped.blendshapes is not None and plain.blendshapes is None
    assert error(capture, truth, shaped) < 0.4 * error(capture, truth, plain)
    view = capture.splits["test"][0]
    there = avatar_rig(shaped, CPU)(capture.vertices[view.timestep])
    assert torch.allclose(drawn(there)[..., :3], trainer.draw(view, torch.zeros(3)), atol=1e-3)


def test_light_on_cheeks_is_no_expression(capture: Capture, start: Start):
    face = Face(Mesh(HEAD.vertices, HEAD.faces), HEAD)
    options = ReconstructOptions(Path("none"), Path("none.ply"))
    trainer = start_trainer(options, capture, face, CPU, start)
    trainer.bound.parts["changes"].data.fill_(1)
    shapes = trainer.blendshapes()
    assert shapes is not None and (shapes.changes[:, :3] == 1).all()
    coloured = shapes.changes[:, 3:].amin((1, 2)) > 0
    assert 0.2 < float(coloured.float().mean()) < 0.9
    lips = torch.isin(HEAD.faces[shapes.rows], HEAD.regions["lips"]).all(1)
    assert coloured[lips].all()
    assert shapes.changes[~coloured, 3:].abs().max() == 0


def test_held_out_frames_tell_nothing_of_the_expressions(capture: Capture):
    face, cut = Face(Mesh(HEAD.vertices, HEAD.faces), HEAD), capture.vertices.clone()
    cut[LEARNT:] = HEAD.vertices + HEAD.unit("mouthPucker")
    told, others = (
        film_expressions(each, face) for each in (capture, replace(capture, vertices=cut))
    )
    assert torch.equal(told.directions, others.directions)
    assert torch.equal(told.radius, others.radius)
