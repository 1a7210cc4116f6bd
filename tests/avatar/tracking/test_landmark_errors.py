"""Expected errors of landmarks go with the head, whatever the camera's roll; those that ship hold
for a stranger."""

import numpy as np
import pytest
import torch
from torch import Tensor

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.similarity import fit_similarity
from avatar.heads.shape_space import load_shape_space
from avatar.rigging.avatar import pose
from avatar.tracking.landmarks import (
    FEATURES,
    SEEN,
    SKIN_POINTS,
    errors_from,
    learnt_landmarks,
    skin_points,
    view_of,
)
from avatar.tracking.stages import UPRIGHT
from avatar.vision.follow import faces_in_picture, load_face_finder
from research.captures.film_motion import FilmMotion, filmed
from research.captures.phone import phone_camera
from research.captures.picture import draw
from research.captures.pose import pose_scene
from research.captures.scene import Scene, build_scene

POINTS = torch.tensor([[0.0, 0.0, 0.6], [0.03, 0.02, 0.58], [-0.04, 0.05, 0.61]]).double()


def turned(x: float, y: float) -> torch.Tensor:
    return UPRIGHT.double() @ axis_angle_to_matrix(torch.tensor([x, y, 0.0]).double())


def test_a_rolled_camera_rolls_the_errors():
    errors = torch.randn(3, 2, FEATURES, generator=torch.Generator().manual_seed(1)).double()
    head = turned(0.2, -0.4)
    roll = axis_angle_to_matrix(torch.tensor([0.0, 0.0, 0.7]).double())
    upright = errors_from(errors, head, POINTS)
    rolled = errors_from(errors, roll @ head, POINTS @ roll.T)
    torch.testing.assert_close(rolled, upright @ roll[:2, :2].T)


def test_to_the_right_and_up_are_those_of_the_picture():
    errors = torch.zeros(2, 2, FEATURES).double()
    errors[0, 0, 0], errors[1, 1, 0] = 1.0, 1.0
    along = errors_from(errors, UPRIGHT.double(), POINTS)
    torch.testing.assert_close(along, torch.tensor([[1.0, 0.0], [0.0, -1.0]]).double())


def test_the_view_is_where_the_camera_stands():
    straight = torch.tensor([[0.0, 0.0, 0.6]]).double()
    torch.testing.assert_close(view_of(UPRIGHT.double(), straight), torch.zeros(2).double())
    to_its_left = view_of(turned(0.0, 0.4), straight)  # the camera is to the right of the head
    assert to_its_left[0] < -0.3
    assert abs(to_its_left[1]) < 1e-9


def apart_from_the_mean(scene: Scene) -> Tensor:
    """By how much [L, 3] a person's landmarks are not those of the mean face, size aside."""
    own, mean = (skin_points(scene.head, v) for v in (scene.rest, load_shape_space().mean))
    laid = fit_similarity(mean.double().numpy(), own.double().numpy()).apply(mean.double().numpy())
    return own - torch.from_numpy(laid).float()


def missed(scene: Scene, motion: FilmMotion, frame: int) -> tuple[Tensor, Tensor]:
    """By how much [L, 2] in metres the network misses landmarks that a picture shows well, and by
    how much more than is expected."""
    head_pose, offsets = motion.head_pose[frame], motion.offsets(scene.units, frame)
    camera = phone_camera((512, 512), frame)
    surface = pose_scene(scene, offsets.numpy(), head_pose.numpy())
    picture = torch.from_numpy(draw(surface, camera, np.ones(3), 1).colour).float() / 255
    found = faces_in_picture(load_face_finder(), picture).points[0, list(SKIN_POINTS), :2]
    view, vertices = camera.viewmat, pose(scene.rest + offsets, scene.head, head_pose)
    local = vertices @ view[:3, :3].T + view[:3, 3]
    points = skin_points(scene.head, local)
    K, depth = camera.K, points[:, 2:]
    errors = (found - K[0, 0] * points[:, :2] / depth - K[:2, 2]) * depth / K[0, 0]
    learnt, skin = learnt_landmarks(), list(SKIN_POINTS)
    rotation = (view @ head_pose)[:3, :3]
    expected = errors_from(learnt.errors[skin], rotation, points)
    changes = apart_from_the_mean(scene), skin_points(scene.head, offsets)
    for gain, change in zip((learnt.person_gain, learnt.unit_gain), changes, strict=True):
        expected = expected + (gain[skin, None] - 1) * (change @ rotation.T)[:, :2]
    a, b, c = local[scene.head.faces[learnt.faces[skin]]].unbind(1)  # [L, 3] each
    across = torch.linalg.cross(b - a, c - a)
    well = -torch.cosine_similarity(across, points, dim=1) > SEEN
    return errors[well], (errors - expected)[well]


@pytest.mark.slow
def test_what_ships_helps_with_a_stranger():
    scene = build_scene(61)
    motion = filmed(scene.head, scene.units, 100, None, 0.0, 61)
    pairs = [missed(scene, motion, frame) for frame in range(0, 100, 20)]
    before, after = (torch.cat(each).norm(dim=-1) for each in zip(*pairs, strict=True))
    assert float(after.square().mean()) < 0.9 * float(before.square().mean())
