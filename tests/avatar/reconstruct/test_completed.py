"""Skin that no picture shows has the colours of the other side, in the light of its own."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.zbuffer import NOTHING, project_samples, rasterize
from avatar.heads import Head, load_head
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.head_seeds import face_colours, mirror_triangles
from avatar.rigging.binding import triangle_frames
from splat import orbit

SIZE = 256
YAWS = (25.0, 35.0, 45.0, 55.0, 65.0)  # to one side alone


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


def freckled(head: Head) -> Tensor:
    """Colours [M, 3] that are alike on both sides, and change over the head."""
    x, y, z = head.vertices[head.faces].mean(1).T
    waves = torch.stack([torch.cos(60 * x), torch.cos(50 * y), torch.cos(70 * z)], 1)
    return 0.5 + 0.15 * waves


def lit(head: Head, strength: float) -> Tensor:
    """How bright [M, 1] triangles are under a lamp to the head's left."""
    normals = triangle_frames(head.vertices, head.faces).R_world_tri[..., 1]
    return torch.exp(strength * normals[:, :1])


def seen_from(head: Head, colours: Tensor, yaw: float) -> tuple[View, Picture]:
    camera = orbit(torch.tensor([0.0, 0.0, 0.02]), 0.7, yaw, 0.0, 30.0, SIZE, SIZE)
    corners = project_samples(camera, head.vertices.double().numpy())
    shown = torch.from_numpy(rasterize(corners, head.faces.numpy(), SIZE, SIZE).faces).long()
    inside = (shown != NOTHING)[..., None]
    picture = (colours[shown.clamp(min=0)] * inside * 255).round().byte().numpy()
    mask = np.where(inside.numpy()[..., 0], 255, 0).astype(np.uint8)
    return View(camera, Path("none.png"), None, 0, "0"), Picture(picture, mask)


def unseen_cheek(head: Head) -> Tensor:
    """Triangles that no such camera sees: the right of the face."""
    middles = head.vertices[head.faces].mean(1)
    normals = triangle_frames(head.vertices, head.faces).R_world_tri[..., 1]
    body = torch.zeros(len(head.faces), dtype=torch.bool)
    body[head.group_faces("body")] = True
    aside = (normals[:, 0] < -0.6) & (middles[:, 2] > 0.04) & (middles[:, 1] > -0.06)
    return (body & aside & (middles[:, 0] < -0.045)).nonzero()[:, 0]


def errors(head: Head, truth: Tensor, told: Tensor) -> float:
    return float((told - truth)[unseen_cheek(head)].abs().mean())


def test_a_cheek_that_is_never_shown_is_like_the_other(head: Head):
    truth = freckled(head)
    capture = Capture("anny-head", head.vertices, head.faces, head.vertices[None], {})
    seen = [seen_from(head, truth, yaw) for yaw in YAWS]
    as_nearest = errors(head, truth, face_colours(capture, seen))
    assert errors(head, truth, face_colours(capture, seen, head)) < 0.6 * as_nearest


def test_it_lies_in_the_light_of_its_own_side(head: Head):
    truth = freckled(head) * lit(head, 0.25)
    capture = Capture("anny-head", head.vertices, head.faces, head.vertices[None], {})
    told = face_colours(capture, [seen_from(head, truth, yaw) for yaw in YAWS], head)
    as_mirrored = errors(
        head, truth, truth[mirror_triangles(Mesh(head.vertices, head.faces), head)]
    )
    assert errors(head, truth, told) < 0.5 * as_mirrored


def test_the_other_side_of_the_other_side_is_near(head: Head):
    other = mirror_triangles(Mesh(head.vertices, head.faces), head)
    middles = head.vertices[head.faces].mean(1)
    moved = other != torch.arange(len(other))
    assert 0.5 < float(moved.float().mean()) < 1
    there = middles[other[moved]] * torch.tensor([-1.0, 1.0, 1.0])
    assert float((there - middles[moved]).norm(dim=1).quantile(0.99)) < 0.003
    assert not moved[head.group_faces("l-eye", "r-eye", "upper-teeth")].any()
