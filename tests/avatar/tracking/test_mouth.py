"""A mouth goes where its landmarks were found, and keeps gap and width on the mean head."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from performances import performance
from torch import Tensor

from avatar.geometry.vectors import MM
from avatar.geometry.zbuffer import rasterize
from avatar.heads import load_head
from avatar.tracking.inner_lips import inner_moves, seen_form, seen_slopes, with_form
from avatar.tracking.landmarks import (
    SKIN_POINTS,
    landmark_model,
    learnt_landmarks,
    skin_points,
    upright_axes,
)
from avatar.tracking.lip_edges import LOWER, UPPER, lip_laps, meeting_points
from avatar.tracking.model import FaceModel, FrameState, Person
from avatar.tracking.mouth import (
    eye_distance,
    mean_head,
    mouth_landmarks,
    mouth_rows,
    refined_mouth,
    shut_weights,
    with_mouth,
    within_range,
    without_person,
)
from avatar.tracking.residuals import place
from avatar.tracking.smooth import MOUTH, named_units

MOTION = {"jawOpen": 0.4, "mouthPucker": 0.5, "mouthLeft": 0.3, "mouthLowerDownLeft": 0.4}


@pytest.fixture(scope="module")
def calm() -> tuple[FaceModel, Person, FrameState]:
    shown = performance(frames=1)
    weights = torch.zeros(len(shown.model.units), dtype=torch.float64)
    return shown.model, shown.person, replace(shown.states[0], weights=weights)


def moved(model: FaceModel, state: FrameState, **weights: float) -> FrameState:
    changed = state.weights.clone()
    for name, weight in weights.items():
        changed[model.head.unit_names.index(name)] = weight
    return replace(state, weights=changed)


def pixels(model: FaceModel, person: Person, state: FrameState) -> torch.Tensor:
    """Where the network would find the 478 landmarks, without its errors."""
    landmarks = landmark_model(model)
    found = torch.zeros(478, 2)
    found[landmarks.index] = place(landmarks.points, person, state).pixels.float()
    return found


def lip_edges_of(meeting: Tensor, person: Person, state: FrameState) -> Tensor:
    """Landmarks [478, 2] on the edges of lips, of those where the lips meet."""
    up = upright_axes(state.rotation)[1]
    metre = person.focal / float(state.translation[2])
    edges = meeting.clone()
    for _ in range(60):
        edges += 0.3 * (meeting - meeting_points(edges, up, metre))
    return edges


def test_a_refined_mouth_moves_as_far_as_its_landmarks(calm):
    model, person, state = calm
    mouth = mouth_landmarks(landmark_model(model))
    mouth = replace(mouth, errors=torch.zeros_like(mouth.errors))
    true = moved(model, state, **MOTION)
    timid = moved(model, state, **{name: 0.6 * weight for name, weight in MOTION.items()})
    found = lip_edges_of(pixels(model, person, true), person, state)
    refined = refined_mouth(model, person, mouth, timid, found)
    rows = mouth_rows(model, person)
    wanted, before, after = (rows.of(one.weights[None])[0] for one in (true, timid, refined))
    assert (before - wanted).abs().max() > 2 * MM
    assert (after - wanted).abs().max() < 0.3 * MM
    still = [k for k in range(len(state.weights)) if k not in named_units(model, MOUTH)]
    assert torch.equal(refined.weights[still], timid.weights[still])
    assert torch.equal(refined.rotation, timid.rotation)


def test_gap_lip_and_width_are_met_by_small_changes(calm):
    model, person, _ = calm
    rows, free = mouth_rows(model, person), named_units(model, MOUTH)
    weights = torch.zeros(4, len(model.units), dtype=torch.float64)
    weights[:, model.head.unit_names.index("jawOpen")] = torch.tensor([0.1, 0.2, 0.3, 0.4]).double()
    weights[:, model.head.unit_names.index("browInnerUp")] = 0.5
    wanted = torch.tensor([[6.0, 1.0, -3.0], [9.0, 0.0, 2.0], [12.0, -1.0, 0.0], [15.0, 0, -6.0]])
    wanted = wanted.double() * MM
    after = with_mouth(rows, weights, wanted, free)
    assert (rows.of(after) - wanted).abs().max() < 0.2 * MM
    assert (after - weights).abs().max() < 0.4
    others = [k for k in range(len(model.units)) if k not in free]
    assert torch.equal(after[:, others], weights[:, others])


def test_lips_without_a_gap_touch_along_their_whole_length(calm):
    model, person, _ = calm
    head = mean_head(model)
    rows = mouth_rows(head, replace(person, shape=person.shape[:0]))
    weights = torch.zeros(1, len(model.units), dtype=torch.float64)
    weights[:, model.head.unit_names.index("mouthUpperUpLeft")] = 0.4
    apart = rows.at_rest + (weights @ rows.slopes.T)[0]
    after = with_mouth(
        rows, weights, torch.tensor([[-1 * MM, 0.0, 0.0]]), named_units(model, MOUTH)
    )
    touching = rows.at_rest + (after @ rows.slopes.T)[0]
    assert apart.abs().max() > 1 * MM
    assert touching.abs().max() < 0.4 * apart.abs().max()
    assert touching.mean().abs() < 0.15 * MM


def test_the_neutral_face_is_that_of_shut_lips(calm):
    model, person, _ = calm
    jaw, smile = (model.head.unit_names.index(name) for name in ("jawOpen", "mouthSmileLeft"))
    weights = torch.zeros(40, len(model.units), dtype=torch.float64)
    weights[:, jaw] = torch.linspace(0.1, 0.6, 40)
    weights[:, smile] = 0.3
    neutral = shut_weights(model, person, weights)
    assert neutral[jaw] < 0.15
    assert neutral[smile] == pytest.approx(0.3)


def test_the_mean_head_opens_as_far_as_the_person_for_its_size(calm):
    model, person, state = calm
    states = [moved(model, state, jawOpen=jaw) for jaw in (0.0, 0.2, 0.5)]
    neutral = torch.zeros(len(model.units), dtype=torch.float64)
    weights = without_person(model, person, states, neutral)
    head, nobody = mean_head(model), replace(person, shape=person.shape[:0])
    size = eye_distance(head, nobody) / eye_distance(model, person)
    theirs = mouth_rows(model, person).of(torch.stack([one.weights for one in states]))
    ours = mouth_rows(head, nobody).of(weights)
    assert (ours - size * theirs).abs().max() < 0.3 * MM
    assert ours[2, 0] > 10 * MM


def test_no_unit_parts_the_lips_in_depth_alone(calm):
    model, person, state = calm
    nobody = replace(person, shape=person.shape[:0])
    rows = mouth_rows(mean_head(model), nobody)
    pairs = len(rows.slopes) // 2
    still = replace(state, weights=torch.zeros_like(state.weights))
    rolled = [
        moved(model, still, jawOpen=jaw, mouthRollUpper=roll, mouthClose=close)
        for jaw, roll, close in ((0.2, 0.7, 0.16), (0.3, 0.1, 0.3))
    ]
    exact = torch.stack([one.weights for one in rolled])
    after = within_range(model, rows, exact)
    forwards = (after @ rows.slopes[pairs:].T).abs().mean(1)
    assert (exact @ rows.slopes[pairs:].T).abs().mean(1)[0] > 2 * MM
    assert (forwards < 0.5 * MM).all()
    assert (rows.of(after) - rows.of(exact)).abs().max() < 0.2 * MM
    assert ((after >= 0) & (after <= 1)).all()


def test_a_mouth_takes_the_form_that_its_inner_lips_show(calm):
    model, person, state = calm
    gain = learnt_landmarks().unit_gain[13]
    true = [
        moved(model, state, jawOpen=jaw, mouthPucker=pucker, mouthUpperUpLeft=up)
        for jaw, pucker, up in ((0, 0, 0.1), (0.15, 0, 0.3), (0.3, 0.3, 0.1), (0.5, 0.1, 0.1))
    ]
    meeting = [pixels(model, person, one) for one in true]
    found = torch.stack([lip_edges_of(each, person, state) for each in meeting])
    form = seen_form(model, person, true, found)
    slopes = seen_slopes(inner_moves(model), state)
    exact = torch.stack([one.weights for one in true]) @ slopes.T
    assert (form - form[0] - gain * (exact - exact[0])).abs().max() < 0.8 * MM
    after = with_form(model, person, [state] * len(true), form)
    met = torch.stack([one.weights for one in after]) @ slopes.T
    assert ((met - form)[1:].abs().amax(0) < torch.tensor([0.6, 0.6, 1.0]) * MM).all()
    assert (form[1:].abs().amax(0) > torch.tensor([8.0, 0.6, 2.0]) * MM).all()
    assert all(bool(((one.weights >= 0) & (one.weights <= 1)).all()) for one in after)


@pytest.mark.parametrize("jaw", [0.15, 0.3])
def test_an_open_mouth_is_seen_up_to_the_laps_of_its_lips(jaw: float):
    """By a picture of the mean head from the front, a pixel 0.1 mm."""
    head, pixel = load_head(), 0.1 * MM
    posed = (head.vertices + jaw * head.unit("jawOpen")).double()
    places = skin_points(head, posed)
    left, top = -45 * MM, float(places[SKIN_POINTS.index(13), 1]) + 20 * MM
    x, y, z = posed.numpy().T
    corners = np.stack([(x - left) / pixel, (top - y) / pixel, 1 / (1 - z)], 1)
    seen = rasterize(corners, head.faces.numpy(), 700, 900).faces
    skin = np.isin(seen, head.group_faces("body").numpy())
    for lip, sign, laps in zip((UPPER, LOWER), (-1, 1), lip_laps().tolist(), strict=True):
        for number, lap in list(zip(lip, laps, strict=True))[2:-2]:
            across, up, _ = places[SKIN_POINTS.index(number)].tolist()
            column = skin[:, round((across - left) / pixel)]
            row, inside = round((top - up) / pixel), np.flatnonzero(~column)
            inside = inside[np.abs(inside - row) < 300]
            edge = inside.min() if sign < 0 else inside.max()
            assert sign * (row - edge) * pixel == pytest.approx(lap, abs=0.9 * MM)


def test_lips_that_touch_meet_where_they_are_seen_and_open_ones_beyond():
    points = torch.zeros(478, 2)
    points[list(UPPER), 1], points[list(LOWER), 1] = -0.15, 0.15  # of a picture, downwards
    up, metre = torch.tensor([0.0, -1.0]), 1000.0
    assert torch.equal(meeting_points(points, up, metre), points)
    points[list(LOWER), 1] += 40
    upper, lower = (1000 * lip_laps()).float()
    met = meeting_points(points, up, metre)
    assert torch.allclose(met[list(UPPER), 1], -0.15 - upper, atol=1e-3)
    assert torch.allclose(met[list(LOWER), 1], 40.15 + lower, atol=1e-3)
