"""The outline of a head says how it must move across it, and nothing where hair hides it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from performances import SIZE, performance
from torch import Tensor

from avatar.geometry.zbuffer import NOTHING, rasterize
from avatar.tracking.model import FaceModel, FrameState, Person
from avatar.tracking.residuals import Equations, normal_equations, place
from avatar.tracking.silhouette import (
    Contour,
    beyond_edge,
    camera_vertices,
    find_contour,
    outline_model,
    silhouette_residuals,
)

SHOWN = performance(frames=3)
MODEL, PERSON, MOMENT = SHOWN.model, SHOWN.person, SHOWN.states[2]
OUTLINE = outline_model(MODEL)


def masks_of(model: FaceModel, person: Person, state: FrameState, samples: int = 4) -> Tensor:
    """What a perfect segmenter of a person without hair finds [H, W, 2]."""
    vertices = camera_vertices(model, person, state)
    pixels = person.focal * vertices[:, :2] / vertices[:, 2:] + torch.tensor(person.centre)
    projected = torch.cat([samples * pixels, 1 / vertices[:, 2:]], 1).double().numpy()
    side = samples * int(SIZE)
    seen = rasterize(projected, model.head.faces.numpy(), side, side).faces != NOTHING
    person_mask = seen.reshape(side // samples, samples, -1, samples).mean((1, 3))
    both = np.stack([person_mask, np.zeros_like(person_mask)], -1)
    return torch.from_numpy(both.astype(np.float32))


MASKS = masks_of(MODEL, PERSON, MOMENT)


def contour(state: FrameState = MOMENT, masks: Tensor = MASKS, person: Person = PERSON) -> Contour:
    return find_contour(MODEL, person, state, OUTLINE, masks)


def away(found: Contour, person: Person = PERSON, state: FrameState = MOMENT) -> Tensor:
    return beyond_edge(found, place(found.points, person, state))


def told(found: Contour, state: FrameState) -> Equations:
    placed = place(found.points, PERSON, state)
    return normal_equations(
        found.points, PERSON, state, placed, silhouette_residuals(found, placed)
    )


def test_a_head_that_is_where_it_is_seen_lies_on_the_edge():
    found = contour()
    assert len(away(found)) > 60
    assert away(found).abs().median() < 0.3 and away(found).abs().quantile(0.9) < 2
    torch.testing.assert_close(found.across.norm(dim=1), torch.ones(len(away(found))))
    pixels = place(found.points, PERSON, MOMENT).pixels
    outside, inside = (
        MASKS[..., 0][(pixels + side * found.across).long().flip(1).unbind(1)] for side in (6, -6)
    )
    assert outside.max() == 0 and inside.min() == 1


def test_points_count_by_how_far_they_are_across_the_outline():
    shift = torch.tensor([4.0, 3.0])  # pixels
    moved = replace(PERSON, centre=tuple((torch.tensor(PERSON.centre) + shift).tolist()))
    found = contour(person=moved)
    expected = found.across @ shift
    assert (away(found, moved) - expected).abs().median() < 0.5


def test_a_step_brings_a_head_back_that_was_shifted_and_turned():
    free, still = [2, 3, 4], torch.zeros(6 + len(MODEL.units)).double()
    away = torch.tensor([0.04, 0.003, -0.003]).double()  # radians in the picture, metres
    started = MOMENT.moved(still.index_put((torch.tensor(free),), away))
    state = started
    for _ in range(4):
        found = contour(state)
        equations = told(found, state)
        step = -torch.linalg.solve(equations.system[free][:, free], equations.gradient[free])
        state = state.moved(still.index_put((torch.tensor(free),), step))
    off, before = ((one.translation - MOMENT.translation)[:2].norm() for one in (state, started))
    assert off < 0.25 * before
    turned, before = ((one.rotation - MOMENT.rotation).norm() for one in (state, started))
    assert turned < 0.25 * before


def test_hair_at_the_edge_hides_it():
    hairy = MASKS.clone()
    hairy[:, : int(SIZE) // 2, 1] = 1
    found = contour(masks=hairy)
    pixels = place(found.points, PERSON, MOMENT).pixels
    assert 10 < len(away(found)) < len(contour().across)
    assert pixels[:, 0].min() > SIZE / 2


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_mask_without_an_edge_tells_nothing(value: float):
    found = contour(masks=torch.full_like(MASKS, value))
    assert len(away(found)) == 0
    equations = told(found, MOMENT)
    assert not equations.system.any() and not equations.gradient.any()
