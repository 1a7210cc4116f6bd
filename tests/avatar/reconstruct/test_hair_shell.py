"""Hair whose outline is known becomes a shell of that thickness; a neck goes on behind clothes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from avatar.geometry.triangle_mesh import Mesh, vertex_normals
from avatar.geometry.zbuffer import NOTHING, project_samples, rasterize
from avatar.heads import Head, load_head
from avatar.reconstruct.capture import View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.hair_shell import LAYERS, ShellObservation, hair_shell, smoothed
from avatar.reconstruct.torso import STUMP, neck_stump
from splat import orbit

SIZE, THICK = 192, 0.02
HAIR, SKIN = (60, 40, 20), (220, 170, 140)
Seen = list[tuple[View, Picture, Tensor]]


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


def frames_of(head: Head, label: int, yaws: tuple[float, ...] = (-25, 0, 25)) -> Seen:
    """A head whose scalp is THICK metres thicker, in another colour and with a label."""
    scalp = torch.zeros(len(head.vertices), dtype=torch.bool)
    scalp[head.regions["scalp"]] = True
    normals = vertex_normals(head.vertices, head.faces)
    grown = head.vertices + THICK * normals * scalp[:, None]
    on_scalp = scalp[head.faces].any(1).numpy()
    found: Seen = []
    for yaw in yaws:
        camera = orbit(torch.tensor([0.0, 0.02, 0.0]), 1.0, yaw, 0, 22.0, SIZE, SIZE)
        shown = rasterize(
            project_samples(camera, grown.numpy()), head.faces.numpy(), SIZE, SIZE
        ).faces
        hair = (shown != NOTHING) & on_scalp[shown]
        mask = np.where(shown != NOTHING, 255, 0).astype(np.uint8)
        labels = torch.from_numpy(np.where(hair, label, (shown != NOTHING) * 1))
        colour = np.where(hair[..., None], HAIR, SKIN) * (mask[..., None] > 0)
        view = View(camera, Path("none.png"), None, 0, "0")
        found.append((view, Picture(colour.astype(np.uint8), mask), labels))
    return found


def test_the_shell_is_as_thick_as_the_outline_says(head: Head):
    mesh = Mesh(head.vertices, head.faces)
    (points, colours, sizes), owners = hair_shell(mesh, head, frames_of(head, 2), 1000)
    assert 300 < len(points) <= 1000 and len(owners) == len(points) == len(sizes)
    outer = points[len(points) // 2 :]
    away = torch.cdist(outer, head.vertices).amin(1)
    assert float(away.median()) == pytest.approx(LAYERS[-1] * THICK, abs=0.004)
    assert torch.allclose(colours, torch.tensor(HAIR) / 255, atol=0.02)
    assert torch.isin(head.faces[owners], head.regions["scalp"]).all()


def test_a_head_without_hair_grows_none(head: Head):
    (points, _, _), owners = hair_shell(
        Mesh(head.vertices, head.faces), head, frames_of(head, 1), 1000
    )
    assert not len(points) and not len(owners)


def test_what_one_side_tells_counts_on_the_other():
    told = ShellObservation(torch.tensor([[0.05, 0.0, 0.0]]), torch.tensor([[3.0]]), torch.ones(1))
    assert smoothed(told, torch.tensor([[-0.06, 0.0, 0.0]])).item() == pytest.approx(3)
    nobody = ShellObservation(told.positions, told.values, torch.zeros(1))
    assert smoothed(nobody, torch.zeros(2, 3)).tolist() == [[0.0], [0.0]]


def test_the_stump_goes_on_with_the_neck(head: Head):
    points = neck_stump(Mesh(head.vertices, head.faces), head)
    end = head.vertices[head.pose_weights == 0]
    assert 300 < len(points) < 3000
    assert float(points[:, 1].max()) < float(end[:, 1].max())
    assert float(end[:, 1].min() - points[:, 1].min()) == pytest.approx(STUMP, abs=0.02)
    across = points[:, 0].abs().max() / end[:, 0].abs().max()
    assert 0.9 < float(across) < 1.1
