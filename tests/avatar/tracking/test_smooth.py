"""Smoothing is late for nothing; what never goes away belongs to the person."""

from dataclasses import replace

import torch
from performances import degrees_between, performance

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.tracking.model import FrameState, rigid
from avatar.tracking.result import Tracking, head_poses, take_of, torso
from avatar.tracking.smooth import at_neutral, neutral_weights, smoothed

FPS = 25.0


def turning(count: int, noise: float = 0.0) -> list[FrameState]:
    """A slow turn with a tremble, in radians."""
    shown = performance(frames=1)
    random = torch.Generator().manual_seed(2)
    states = []
    for frame in range(count):
        angle = torch.tensor([0.0, 0.3 * frame / count, 0.0], dtype=torch.float64)
        angle += noise * torch.randn(3, generator=random, dtype=torch.float64)
        rotation = axis_angle_to_matrix(angle) @ shown.states[0].rotation
        states.append(replace(shown.states[0], rotation=rotation))
    return states


def test_a_steady_turn_stays_as_it_is():
    states = turning(60)
    found = smoothed(performance(frames=1).model, states, FPS)
    off = [degrees_between(a, b) for a, b in zip(states[10:-10], found[10:-10], strict=True)]
    assert max(off) < 0.02


def test_a_film_backwards_is_smoothed_to_the_same_backwards():
    model, states = performance(frames=1).model, turning(40, noise=0.01)
    there = smoothed(model, states, FPS)
    back = smoothed(model, states[::-1], FPS)[::-1]
    for a, b in zip(there, back, strict=True):
        torch.testing.assert_close(a.rotation, b.rotation, atol=1e-9, rtol=0)


def test_trembling_is_halved_and_closures_stay():
    model = performance(frames=1).model
    true, states = turning(80), turning(80, noise=0.005)
    blink = model.head.unit_names.index("eyeBlinkLeft")
    for frame in (30, 31):
        states[frame].weights[blink] = 1.0
    found = smoothed(model, states, FPS)

    def error(states: list[FrameState]) -> float:
        pairs = zip(states[5:-5], true[5:-5], strict=True)
        return sum(degrees_between(a, b) for a, b in pairs)

    assert error(found) < 0.6 * error(states)
    for before, after in zip(states, found, strict=True):
        assert after.weights[blink] == before.weights[blink]


def test_a_smile_that_stays_is_the_form_of_the_mouth():
    shown = performance(frames=12)
    model = shown.model
    smile, jaw = (model.head.unit_names.index(name) for name in ("mouthSmileLeft", "jawOpen"))
    states = []
    for frame, state in enumerate(shown.states):
        weights = torch.zeros_like(state.weights)
        weights[smile] = 0.3 + 0.05 * max(0, frame - 4)
        weights[jaw] = 0.08 * max(0, frame - 4)
        states.append(replace(state, weights=weights))
    weights = torch.stack([one.weights for one in states])
    neutral = neutral_weights(model, shown.person, weights)
    assert 0.29 < float(neutral[smile]) < 0.36
    rest, calmed = at_neutral(model, shown.person, states, neutral)
    form = torch.einsum("e,evx->vx", neutral.float(), model.units)
    still = (rest.mean - model.mean - form).norm(dim=1) < 1e-9
    assert still.float().mean() > 0.5  # all but what seals the lips
    for before, after in zip(states[1:], calmed[1:], strict=True):
        there = model.mean + torch.einsum("e,evx->vx", before.weights.float(), model.units)
        here = rest.mean + torch.einsum("e,evx->vx", after.weights.float(), rest.units)
        torch.testing.assert_close(here[still], there[still], atol=1e-6, rtol=0)
    upper, lower = (model.head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    sealed = rest.rest(shown.person.shape)
    torch.testing.assert_close(sealed[upper], sealed[lower], atol=1e-6, rtol=0)


def test_what_looks_and_speaks_is_never_the_form():
    shown = performance(frames=1)
    model = shown.model
    full = torch.ones(5, len(model.units), dtype=torch.float64)
    neutral = neutral_weights(model, shown.person, full)
    for name in ("eyeLookUpLeft", "mouthClose"):
        assert neutral[model.head.unit_names.index(name)] == 0
    assert neutral[model.head.unit_names.index("jawOpen")] < 0.2
    assert neutral[model.head.unit_names.index("browInnerUp")] > 0.5


def test_lips_are_shut_where_they_most_often_are():
    """The mouth at rest is that of most frames, though a few have less of every unit."""
    shown = performance(frames=20)
    names = shown.model.head.unit_names
    states = []
    for frame, state in enumerate(shown.states):
        weights = torch.zeros_like(state.weights)
        weights[names.index("jawOpen")] = 0.0 if frame < 8 else 0.05 * (frame - 8)
        weights[names.index("mouthShrugLower")] = 0.3 if frame < 8 else 0.0
        states.append(replace(state, weights=weights))
    weights = torch.stack([one.weights for one in states])
    neutral = neutral_weights(shown.model, shown.person, weights)
    rest, calmed = at_neutral(shown.model, shown.person, states, neutral)
    offsets = torch.einsum("e,evx->vx", calmed[1].weights.float(), rest.units)
    vertices = rest.rest(shown.person.shape) + offsets
    upper, lower = (rest.head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    assert float((vertices[upper] - vertices[lower]).norm(dim=1).max()) < 1e-5


def test_a_mouth_that_is_open_alike_for_long_is_not_shut():
    shown = performance(frames=20)
    jaw = shown.model.head.unit_names.index("jawOpen")
    opened = [0.003 * (frame % 4) if frame < 7 else 0.12 for frame in range(16)]
    opened += [0.3, 0.5, 0.7, 0.9]
    weights = torch.zeros(20, len(shown.model.units), dtype=torch.float64)
    weights[:, jaw] = torch.tensor(opened, dtype=torch.float64)
    assert float(neutral_weights(shown.model, shown.person, weights)[jaw]) < 0.02


def test_narrow_eyes_are_a_form_and_still_shut():
    shown = performance(frames=10)
    blink = shown.model.head.unit_names.index("eyeBlinkRight")
    states = []
    for frame, state in enumerate(shown.states):
        weights = torch.zeros_like(state.weights)
        weights[blink] = 1.0 if frame == 5 else 0.3
        states.append(replace(state, weights=weights))
    weights = torch.stack([one.weights for one in states])
    neutral = neutral_weights(shown.model, shown.person, weights)
    _, calmed = at_neutral(shown.model, shown.person, states, neutral)
    assert float(calmed[0].weights[blink]) < 1e-9
    assert float(calmed[5].weights[blink]) > 1 - 1e-9


def test_the_torso_stands_where_the_head_does_on_average():
    shown = performance(frames=10)
    tracking = Tracking(shown.model, shown.person, shown.states, torch.arange(10), FPS, (512, 512))
    poses = head_poses(tracking).double()
    for pose, state in zip(poses, shown.states, strict=True):
        torch.testing.assert_close(torso(tracking) @ pose, rigid(state), atol=1e-6, rtol=0)
    take = take_of(tracking)
    assert take.weights.shape == (10, 52)
    assert abs(take.head.mean(0)).max() < 0.05  # radians
