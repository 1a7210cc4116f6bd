"""A face that moves stays its own; one that becomes another is caught."""

import pytest
import torch
from torch import Tensor

from avatar.geometry.rotations import axis_angle_to_matrix, turn_about
from avatar.heads import Head, load_head
from avatar.rigging.avatar import pose
from research.evaluation.voices.identity import identity_drift, residuals

FRAMES = 12


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


def moving(head: Head, extra: Tensor | None = None) -> Tensor:
    """Meshes [F, V, 3] that speak, blink and turn; extra [F, V, 3] is added before they turn."""
    t = torch.arange(FRAMES) / FRAMES
    weights = torch.stack([0.5 * t, 0.7 * (1 - t), t], 1)
    units = torch.stack([head.unit(name) for name in ("jawOpen", "mouthPucker", "eyeBlinkLeft")])
    offsets = torch.einsum("fe,evx->fvx", weights, units)
    turns = axis_angle_to_matrix(torch.stack([0.2 * t, -0.3 * t, 0.1 * t], 1))
    poses = turn_about(turns, head.pivot)
    shapes = head.vertices + offsets + (0 if extra is None else extra)
    return torch.stack([pose(v, head, p) for v, p in zip(shapes, poses, strict=True)])


def test_speech_blinks_and_turns_are_no_drift(head: Head):
    assert residuals(head, moving(head)).max() < 1e-5
    assert identity_drift(head, moving(head)) < 0.01


def test_becoming_another_person_shows_by_its_size(head: Head):
    other = next(iter(head.identities.values()))
    firm = head.pose_weights > 0.999
    share = torch.linspace(0, 0.2, FRAMES)[:, None, None]
    left = residuals(head, moving(head, share * other))
    assert (left.diff() > 0).all()
    size = 0.2 * other[firm].square().sum(-1).mean().sqrt()
    assert 0.15 * size < left[-1] <= size  # a part of it looks like an expression or a turn


def test_the_unit_of_the_mesh_does_not_matter(head: Head):
    other = 0.1 * next(iter(head.identities.values())).expand(FRAMES, -1, -1)
    found, mirrored = identity_drift(head, moving(head, other)), moving(head, other) * 1.0
    assert identity_drift(head, mirrored, scale=2.0) == pytest.approx(2 * found)
