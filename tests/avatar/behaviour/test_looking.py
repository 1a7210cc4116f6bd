"""Where the eyes of a living face look."""

import numpy as np
import pytest
import torch

from avatar.behaviour.gaze import Gaze, GazeController, eyes_in_head, gaze_degrees
from avatar.behaviour.style import READER, SPEAKER, StyleParams
from avatar.geometry.rotations import head_poses
from avatar.heads import load_head
from avatar.heads.arkit import EYE_DEGREES, look_weights

HEAD = load_head()
EYES = [HEAD.group_vertices(name).numpy() for name in ("l-eye", "r-eye")]
REST = HEAD.vertices.double().numpy()


def looking(style: StyleParams, gaze: Gaze, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Directions of the eyes [F, 2], and degrees [F] of the shifts that begin."""
    eyes = GazeController(style, gaze, np.random.default_rng(0))
    rows = [(eyes.step(frame / 100)[0], eyes.shifted) for frame in range(round(100 * seconds))]
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def test_weights_turn_the_eyes_of_the_head_by_their_degrees():
    wanted = np.array([[0, 0], [10, 0], [-12, 5], [4, -9], [-3, 8.0]])
    weights = look_weights(wanted)
    units = np.stack([HEAD.unit(name).double().numpy() for name in weights])
    offsets = np.einsum("ef,evx->fvx", np.stack([*weights.values()]), units)
    seen = gaze_degrees(EYES, REST, offsets)
    assert np.abs(seen - wanted[:, None]).max() < 0.4
    assert all(max(weights[f"eyeLook{way}Left"]) <= 1 for way in EYE_DEGREES)


def test_eyes_undo_what_the_head_does():
    rng = np.random.default_rng(0)
    head, look = rng.normal(0, 6, (50, 3)), rng.normal(0, 6, (50, 2))
    yaw, pitch = np.radians(eyes_in_head(look, head)).T
    ahead = [np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)]
    turns = head_poses(torch.from_numpy(np.radians(head)), torch.zeros(3).double())
    x, y, z = np.einsum("fij,fj->if", turns[:, :3, :3].numpy(), np.stack(ahead, 1))
    assert np.allclose(np.degrees(np.arctan2(x, z)), look[:, 0], atol=1e-9)
    assert np.allclose(np.degrees(np.arcsin(y)), look[:, 1], atol=1e-9)


@pytest.mark.parametrize(("style", "share"), [(SPEAKER, 0.23), (READER, 0.08)])
def test_eyes_are_elsewhere_as_long_as_they_should_be(style: StyleParams, share: float):
    eyes, shifts = looking(style, Gaze(), 1200)
    away = np.hypot(*eyes.T) > 2.5
    assert 0.6 * share < away.mean() < 1.3 * share
    assert np.mean(shifts[shifts > 0] < 15) > 0.9


def test_saccades_last_as_long_as_their_length_asks():
    eyes, shifts = looking(SPEAKER, Gaze(), 300)
    for start in np.flatnonzero(shifts > 8):
        way = np.linalg.norm(np.diff(eyes[start - 1 : start + 12], axis=0), axis=1)
        lasts = np.count_nonzero(way > 1e-9) / 100
        assert lasts == pytest.approx(0.025 + 0.0024 * shifts[start], abs=0.006)


def test_eyes_stay_where_they_are_told_to_look():
    eyes, _ = looking(SPEAKER, Gaze(12.0, -5.0, free=False), 60)
    assert np.abs(eyes - [12, -5]).max() < 4 and np.abs(eyes.mean(0) - [12, -5]).max() < 0.3


def test_the_head_takes_a_share_of_what_lies_far_aside():
    near, far = (
        GazeController(SPEAKER, Gaze(x, 0, free=False), np.random.default_rng(0)) for x in (9, 25)
    )
    assert np.allclose(near.step(0.0)[1], 0)
    assert np.allclose(far.step(0.0)[1], [9, 0])
