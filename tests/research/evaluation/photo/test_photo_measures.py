"""What is measured of an avatar of photos, where the answer is known."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from avatar.avatar_io.avatar_file import load_avatar
from avatar.geometry.similarity import Similarity
from avatar.geometry.zbuffer import project
from avatar.heads import load_head
from avatar.photo.fit import FittedPhoto
from avatar.photo.photograph import SeenPhoto
from avatar.vision.follow import load_face_finder
from research.evaluation.photo.likeness import Likeness, by_angle, compare, in_avatar_space, regions
from research.evaluation.photo.turning import Look, landmarks_on, look, still_model, turned
from splat import Camera, orbit
from tests.heads_in_pictures import DEMO, turned_demo

HEAD = load_head()


def camera(yaw: float = 0.0, size: int = 96) -> Camera:
    return orbit(HEAD.vertices.mean(0), 1.2, yaw, 0.0, 18.0, width=size, height=size)


def a_look(off: float, gap: float = 1.0) -> Look:
    true = torch.rand(40, 2) * 90
    return Look(torch.zeros(1, 1, 3), true, true + torch.tensor([off, 0.0]), 50.0, gap)


def test_landmarks_that_are_found_askew():
    assert a_look(0.0).error == 0
    assert a_look(2.0).error == pytest.approx(2 / 50)
    assert Look(torch.zeros(1, 1, 3), torch.zeros(4, 2), None, 50.0, None).error is None


def test_lost_faces_and_the_gap_of_the_lips():
    lost = Look(torch.zeros(1, 1, 3), torch.zeros(4, 2), None, 50.0, None)
    looks = [lost, *(a_look(k, gap=3.0 * k + 1) for k in range(1, 5))]
    found = turned(15.0, looks, np.array([9.0, 1.0, 2.0, 3.0, 4.0]))
    assert found.found == 0.8 and found.yaw_deg == 15
    assert found.error == pytest.approx(2.5 / 50) and found.error_p95 == pytest.approx(3.85 / 50)
    assert found.gap_correlation == pytest.approx(1.0)
    nothing = turned(0.0, [lost], np.zeros(1))
    assert nothing.found == 0 and nothing.error is None and nothing.gap_correlation is None


def test_the_demo_avatar_is_found_where_it_is():
    vertices = load_avatar(DEMO).vertices
    view = orbit(vertices.mean(0), 1.3, 20.0, 0.0, 20.0, width=384, height=384)
    seen = look(load_face_finder(), turned_demo(20.0), vertices, still_model(), view)
    assert seen.error is not None and seen.error < 0.04
    aside = look(load_face_finder(), turned_demo(20.0), vertices + 0.01, still_model(), view)
    assert aside.error is not None and aside.error > 0.08


def test_landmarks_move_with_the_mesh():
    model, shift = still_model(), torch.tensor([0.01, -0.02, 0.03])
    here, there = (landmarks_on(HEAD.vertices + by, model) for by in (torch.zeros(3), shift))
    assert_close(there.points, here.points + shift)
    assert len(here.index) == len(here.points) > 400 and int(here.index.max()) < 468


def test_a_in_avatar_space_camera_sees_the_same():
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    laid = Similarity(1.3, turn, np.array([0.3, -0.1, 0.2]))
    points = HEAD.vertices
    true = project(camera(25.0), laid.of_tensor(points))[0]
    assert_close(project(in_avatar_space(camera(25.0), laid), points)[0], true, atol=2e-3, rtol=0)


def test_views_are_gathered_by_their_angle():
    yaws = (-31.0, -14.0, 0.5, 15.5, 28.0, 60.0)
    rows = by_angle([Likeness(yaw, 20 + abs(yaw), 10.0, 0.5, abs(yaw) / 60) for yaw in yaws])
    assert [(row.angle_deg, row.views) for row in rows] == [(0, 1), (15, 2), (30, 2), (60, 1)]
    assert rows[1].person == pytest.approx(20 + 14.75) and rows[2].head == 10
    assert rows[3].outline == 1


@pytest.fixture
def photo() -> FittedPhoto:
    """A photo of a grey head."""
    view, size = camera(), 96
    points = torch.full((478, 2), -5.0)
    seen = SeenPhoto(
        path=Path("me.png"),
        picture=np.full((size, size, 3), 0.3),
        person=np.ones((size, size)),
        hair=np.zeros((size, size)),
        points=points,
        focal=float(view.K[0, 0]),
        centre=(size / 2, size / 2),
        focal_known=True,
        remarks=(),
    )
    seen.hair[:20] = 1
    return FittedPhoto(seen, torch.zeros(52), torch.eye(4), view)


def test_regions_share_the_picture(photo: FittedPhoto):
    masks = regions(photo, HEAD.vertices, HEAD)
    assert np.array_equal(sum(mask.astype(int) for mask in masks.values()), np.ones((96, 96), int))
    assert masks["hair"][:20].all() and masks["skin"][48, 48] and masks["clothes"][90, 2]


def test_a_spoiled_region_shows(photo: FittedPhoto):
    drawn = torch.full((96, 96, 3), 0.3)
    drawn[:20] += 0.1
    opacity = torch.ones(96, 96)
    opacity[:24] = 0.4
    compared = compare(photo, HEAD.vertices, HEAD, drawn, opacity)
    assert compared.outline == pytest.approx(0.75)
    scores = compared.scores
    assert scores.regions["skin"].psnr == pytest.approx(100, abs=0.1)
    assert scores.regions["hair"].psnr == pytest.approx(20, abs=0.01)
    assert scores.whole.psnr == pytest.approx(20 + 10 * np.log10(96 / 20), abs=0.01)
    assert "eyes" not in scores.regions
