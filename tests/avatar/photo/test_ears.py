"""How high ears are in a photo tells a head's pitch."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from performances import Performance, performance
from torch import Tensor

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.vectors import MM
from avatar.geometry.zbuffer import NOTHING, project, project_samples, rasterize
from avatar.people.masks import ear_mask
from avatar.photo.outline import EAR, TOO_HIGH, OutlineView, ears_seen
from avatar.tracking.landmarks import landmark_model
from avatar.tracking.model import FrameState, Person, rigid
from avatar.tracking.residuals import place
from avatar.tracking.silhouette import SeenEar, ear_equations
from avatar.tracking.solve import FocalPrior
from avatar.tracking.stages import UPRIGHT, Solved, solve_landmarks
from avatar.vision.landmarks import LEFT_CORNER, RIGHT_CORNER
from splat import Camera

SIDE = 600
MODEL = performance(frames=3).model
PERSON = Person(torch.zeros(len(MODEL.modes)).double(), 1400.0, (SIDE / 2, SIDE / 2))
FRONT = FrameState(
    UPRIGHT.double(),
    torch.tensor([0.0, 0.0, 1.2], dtype=torch.float64),
    torch.zeros(len(MODEL.units), dtype=torch.float64),
)
LANDMARKS = landmark_model(MODEL)
EYES = [int((LANDMARKS.index == k).nonzero()) for k in (LEFT_CORNER, RIGHT_CORNER)]


def nodding(degrees: float) -> Tensor:
    """Vertices of the mean head, turned down about its eyes."""
    middle = LANDMARKS.points.mean[EYES].mean(0)
    turn = axis_angle_to_matrix(torch.tensor([math.radians(degrees), 0.0, 0.0]))
    return (MODEL.mean - middle) @ turn.T + middle


def photo(degrees: float = 0.0, hair: bool = False) -> OutlineView:
    """Of a nodding head, taken for one that looks straight ahead."""
    K = torch.tensor([[PERSON.focal, 0, SIDE / 2], [0, PERSON.focal, SIDE / 2], [0, 0, 1]])
    camera = Camera(rigid(FRONT).float(), K, SIDE, SIDE)
    corners = project_samples(camera, nodding(degrees).double().numpy())
    seen = rasterize(corners, MODEL.head.faces.numpy(), SIDE, SIDE).faces != NOTHING
    points = torch.zeros(478, 2)
    points[[LEFT_CORNER, RIGHT_CORNER]] = project(camera, LANDMARKS.points.mean[EYES])[0]
    matte = seen.astype(float)
    return OutlineView(matte, matte * hair, points, camera, torch.zeros_like(MODEL.mean))


@pytest.mark.parametrize("degrees", [-6.0, 0.0, 6.0])
def test_ears_are_seen_as_high_as_they_are(degrees: float):
    found = ears_seen(MODEL, PERSON, FRONT, photo(degrees))
    ears = torch.from_numpy(ear_mask(MODEL.mean.double().numpy() / MM) > EAR)
    true = float((nodding(degrees) - MODEL.mean)[ears, 1].mean())
    assert len(found) == 2 and (abs(true) > 8 * MM or not degrees)
    for ear in found:
        own = place(ear.point, PERSON, FRONT)
        metre = PERSON.focal / float(own.camera[0, 2])
        higher = float((ear.pixels - own.pixels[0]) @ ear.up) / metre + TOO_HIGH
        assert higher == pytest.approx(true, abs=2.5 * MM)


def test_ears_under_hair_are_not_seen():
    assert ears_seen(MODEL, PERSON, FRONT, photo(hair=True)) == []


def test_the_equations_of_an_ear_are_the_slope_of_its_energy():
    ear = ears_seen(MODEL, PERSON, FRONT, photo(6.0))[0]
    found = ear_equations(ear, PERSON, FRONT)

    def energy(step: Tensor) -> float:
        units = len(MODEL.units)
        shape = PERSON.shape + step[6 + units : -1]
        person = Person(shape, PERSON.focal * math.exp(float(step[-1])), PERSON.centre)
        state = replace(FRONT.moved(step[: 6 + units]), weights=step[6 : 6 + units])
        away = (place(ear.point, person, state).pixels[0] - ear.pixels) @ ear.up
        return 0.5 * float(away / ear.spread) ** 2

    small = 1e-3
    for unknown in (0, 1, 2, 3, 4, 5, 6 + len(MODEL.units), len(found.gradient) - 1):
        step = torch.zeros(len(found.gradient), dtype=torch.float64)
        step[unknown] = small
        slope = (energy(step) - energy(-step)) / (2 * small)
        assert float(found.gradient[unknown]) == pytest.approx(slope, rel=0.03, abs=0.02)


def pitch(solved: Solved) -> float:
    """Degrees that the face looks down."""
    return math.degrees(math.asin(float(solved.states[0].rotation[1, 2])))


def solved_with(ears: list[SeenEar] | None, shown: Performance) -> Solved:
    prior = FocalPrior(shown.person.focal)
    start = replace(shown.person, shape=torch.zeros_like(shown.person.shape))
    given = None if ears is None else [ears]
    return solve_landmarks(shown.model, start, prior, shown.points[:1], False, given)


def test_higher_ears_turn_a_face_down():
    shown = performance(frames=3)
    plain = solved_with(None, shown)
    person, state = plain.person, plain.states[0]
    ear = ears_seen(MODEL, PERSON, FRONT, photo())[0]
    own = place(ear.point, person, state)
    metre = person.focal / float(own.camera[0, 2])
    pitches = []
    for up in (-10 * MM, 0.0, 10 * MM):
        pixels = own.pixels[0].float() + up * metre * ear.up.float()
        pitches.append(pitch(solved_with([replace(ear, pixels=pixels, spread=2.0)], shown)))
    assert pitches[1] == pytest.approx(pitch(plain), abs=0.3)
    low, middle, high = np.array(pitches)
    assert 1.0 < middle - low < 7.0 and 1.0 < high - middle < 7.0
