"""Glasses sit before the eyes and on the ears, and follow the skull alone."""

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree

from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import MM, dot
from avatar.heads import load_head
from avatar.people.bust import bust_of, bust_subject
from avatar.people.garment import garment_of
from avatar.people.glasses import (
    FORMS,
    Glasses,
    eyes_of,
    front_of,
    glasses_layer,
    glasses_of,
    lines_of,
    outline_of,
    wire_of,
)
from avatar.people.layer import bound
from avatar.people.library import load_library
from avatar.people.subject import Subject
from avatar.rigging.draw import avatar_rig
from research.captures.parts import AROUND, tubes
from research.people.sampler import random_person

HEAD = load_head()
REST = HEAD.vertices.double().numpy()
USUAL = glasses_of(np.zeros(len(FORMS)))
UNUSUAL = glasses_of(np.array([1.0, -1.0, 1.5, -1.0, 1.0, 0.0, 0.0]), 1.5 * MM)


@pytest.mark.parametrize("glasses", [USUAL, UNUSUAL])
def test_straight_glasses_are_the_same_on_both_sides(glasses: Glasses):
    front = front_of(glasses, *eyes_of(HEAD, REST))
    left, right = front.rims
    assert np.allclose(right * [-1, 1, 1], left, atol=1e-5)
    width, height = np.ptp(left[:, :2], axis=0) / 2
    assert width == pytest.approx(glasses.half_width, abs=1e-9)
    assert height == pytest.approx(glasses.half_height, abs=1e-9)
    inner = left[:, 0].min() - right[:, 0].max()
    assert inner == pytest.approx(glasses.bridge, abs=1e-6)


def test_means_of_the_forms_are_the_usual_glasses():
    usual = glasses_of(np.zeros(len(FORMS)))
    assert usual.half_width == FORMS["half_width"][0] and usual.wire == 1 * MM
    assert glasses_of(np.eye(len(FORMS))[0]).half_width == pytest.approx(28 * MM)


def test_lenses_are_before_the_eyes_and_temples_outside_of_the_head():
    centres, radius = eyes_of(HEAD, REST)
    *rims, bridge, left, right = lines_of(USUAL, HEAD, REST)
    for rim, centre in zip(rims, centres, strict=True):
        low, high = rim.min(0), rim.max(0)
        assert (low[:2] < centre[:2]).all() and (high[:2] > centre[:2]).all()
        assert (rim[:, 2] > centre[2] + radius + 4 * MM).all()
        assert np.array_equal(rim[0], rim[-1])
    normals = point_normals(REST, HEAD.faces.numpy())
    for temple in (left, right, bridge):
        near = KDTree(REST).query(temple)[1]
        assert (dot(temple - REST[near], normals[near]) > 0.9 * MM).all()
    ears = HEAD.vertices[:, 0].abs() > 0.08
    for temple in (left, right):
        assert temple[:, 2].min() < float(HEAD.vertices[ears, 2].median())


def test_lines_move_with_the_head():
    shift = np.array([0.1, -0.2, 0.3])
    pairs = zip(lines_of(UNUSUAL, HEAD, REST), lines_of(UNUSUAL, HEAD, REST + shift), strict=True)
    for here, there in pairs:
        assert np.allclose(there, here + shift, atol=1e-5)


def test_steps_of_the_outline_follow_it():
    points, along = outline_of(front_of(UNUSUAL, *eyes_of(HEAD, REST)))
    ahead = np.linalg.norm(points[1:120] - points[:119] - along[:119], axis=1)
    assert ahead.max() < 0.6 * np.linalg.norm(along[:119], axis=1).max()


@pytest.fixture(scope="module")
def subject() -> Subject:
    library = load_library()
    bust = bust_of(library, random_person(3).mix)
    clothes = library.parts["clothes/male_casualsuit06"]
    cloth = garment_of(clothes, bust, "male_casualsuit06").surface
    return bust_subject(library, bust, clothes, cloth)[0]


def test_no_expression_moves_a_frame_and_the_head_takes_it_along(subject: Subject):
    wire = wire_of(USUAL, subject)
    avatar = bound(glasses_layer(subject, wire, 1 * MM, np.ones((len(wire.points), 3))), subject)
    rig = avatar_rig(avatar, torch.device("cpu"))
    means = rig(avatar.vertices).means
    assert torch.allclose(means, torch.from_numpy(wire.points).float(), atol=1e-5)
    head, weights = subject.head, torch.ones(len(subject.units))
    face = avatar.vertices + (subject.units * weights[:, None, None]).sum(0).float()
    assert (rig(face).means - means).norm(dim=1).max() < 0.3 * MM
    follows = head.pose_weights[:, None].float()
    moved = avatar.vertices + follows * torch.tensor([0.0, 0.01, 0.02])
    shifts = rig(moved).means - means
    assert torch.allclose(shifts, torch.tensor([0.0, 0.01, 0.02]), atol=1e-5)


def test_samples_of_a_wire_are_even_and_cover_it(subject: Subject):
    wire = wire_of(UNUSUAL, subject)
    vertices = subject.rest.vertices[: len(subject.head.vertices)]
    lines = lines_of(UNUSUAL, subject.head, vertices)
    total = sum(np.linalg.norm(np.diff(line, axis=0), axis=1).sum() for line in lines)
    assert wire.lengths.sum() == pytest.approx(total, rel=1e-6)
    assert np.ptp(wire.lengths) < 0.05 * wire.lengths.mean()
    assert np.allclose(np.linalg.norm(wire.tangents, axis=1), 1)


def test_tubes_lie_around_their_lines():
    lines = lines_of(USUAL, HEAD, REST)
    points, faces, uv = tubes(lines, 1.2 * MM)
    middle = np.concatenate([np.repeat(line, AROUND, axis=0) for line in lines])
    assert np.allclose(np.linalg.norm(points - middle, axis=1), 1.2 * MM)
    assert len(faces) == sum(2 * AROUND * (len(line) - 1) for line in lines)
    assert uv.shape == (len(faces), 3, 2) and faces.max() == len(points) - 1
