"""Lips that are nearly shut, or in each other, meet; an open mouth feels nothing."""

from dataclasses import replace

import pytest
import torch
from performances import performance

from avatar.tracking.model import FaceModel, FrameState, Person
from avatar.tracking.smooth import at_neutral, touching

MM = 1e-3


@pytest.fixture(scope="module")
def sealed() -> tuple[FaceModel, Person, FrameState]:
    """Somebody whose lips are shut at rest, at rest."""
    shown = performance(frames=1)
    calm = torch.zeros(len(shown.model.units), dtype=torch.float64)
    resting = replace(shown.states[0], weights=calm)
    model, (state,) = at_neutral(shown.model, shown.person, [resting], calm)
    return model, shown.person, state


def gap_mm(model: FaceModel, person: Person, state: FrameState) -> float:
    upper, lower = (model.head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    offsets = torch.einsum("e,evx->vx", state.weights.float(), model.units)
    vertices = model.rest(person.shape) + offsets
    return float((vertices[upper] - vertices[lower]).norm(dim=1).mean()) / MM


def opened(model: FaceModel, state: FrameState, **weights: float) -> FrameState:
    changed = state.weights.clone()
    for name, weight in weights.items():
        changed[model.head.unit_names.index(name)] = weight
    return replace(state, weights=changed)


def test_lips_that_are_nearly_shut_meet(sealed):
    model, person, state = sealed
    ajar = opened(model, state, jawOpen=0.02, mouthUpperUpLeft=0.03, mouthLeft=0.03)
    (met,) = touching(model, person, [ajar])
    assert gap_mm(model, person, ajar) > 0.4
    assert gap_mm(model, person, met) < 0.6 * gap_mm(model, person, ajar)


def test_lips_that_are_in_each_other_come_apart(sealed):
    model, person, state = sealed
    pressed = opened(model, state, mouthShrugLower=0.4)
    (met,) = touching(model, person, [pressed])
    assert gap_mm(model, person, pressed) > 1.0
    assert gap_mm(model, person, met) < 0.6 * gap_mm(model, person, pressed)


@pytest.mark.parametrize("jaw", [0.3, 1.0])
def test_an_open_mouth_stays_open(sealed, jaw):
    model, person, state = sealed
    wide = opened(model, state, jawOpen=jaw)
    (after,) = touching(model, person, [wide])
    before = gap_mm(model, person, wide)
    assert abs(gap_mm(model, person, after) - before) < 0.03 * before


def test_eyes_and_brows_are_left_alone(sealed):
    model, person, state = sealed
    ajar = opened(model, state, jawOpen=0.02, eyeBlinkLeft=0.7, browInnerUp=0.4)
    (met,) = touching(model, person, [ajar])
    for name in ("eyeBlinkLeft", "browInnerUp"):
        index = model.head.unit_names.index(name)
        assert met.weights[index] == ajar.weights[index]
