"""The form of a mouth by the landmarks of its inner lips: gap, upper lip and width, as each frame
shows them, and states of the face that have it.

Of real people these landmarks lie on the edges of the lips, open or shut. Here they set what a
frame's solution, which prefers small weights, leaves too small.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from avatar.tracking.landmarks import SKIN_POINTS, skin_points, upright_axes
from avatar.tracking.lip_edges import SHOWN_SHUT, UPPER, lip_laps, shares_seen
from avatar.tracking.model import FaceModel, FrameState, Person
from avatar.tracking.mouth import INNER_LIPS, SHUT_SHARE, mouth_rows, with_mouth, within_range
from avatar.tracking.residuals import placed_in
from avatar.tracking.smooth import MOUTH, named_units

CORNERS = (78, 308)
INNER = (*(pair[0] for pair in INNER_LIPS), *(pair[1] for pair in INNER_LIPS), *CORNERS)
ASIDE = (0.21, 0.42)  # sine of the angle from which lips are trusted less, and not at all
INNER_ROWS = [SKIN_POINTS.index(number) for number in INNER]


def seen_form(
    model: FaceModel, person: Person, states: Sequence[FrameState], points: Tensor
) -> Tensor:
    """Lip gap, height of the upper lip and width of the mouth [F, 3] in metres across the view.

    As landmarks [F, 478, 2] of the inner lips show them, in pixels; the more a head looks aside,
    from where these jump, as the states have them. The gap is 0, and the others are, on average, in
    the frames with the lips nearest to each other.
    """
    rest, moves = skin_points(model.head, model.rest(person.shape))[INNER_ROWS], inner_moves(model)
    seen, solved = [], []
    for state, found in zip(states, points, strict=True):
        axes = _picture_axes(state)
        apart = _form(*(axes @ rest.double().T)) * torch.tensor([1.0, 0, 0])
        away = _away(rest.double(), person, state, found) @ upright_axes(state.rotation).double().T
        seen.append(apart + _form(*away.T))
        solved.append(apart + seen_slopes(moves, state) @ state.weights.double())
    by_points, by_units = torch.stack(seen), torch.stack(solved)
    shut = by_points[:, 0] <= by_points[:, 0].quantile(SHUT_SHARE)
    by_units -= by_units[shut].quantile(0.5, dim=0)
    at_rest = by_points[shut].quantile(0.5, dim=0)
    at_rest[0] = SHOWN_SHUT
    ahead = torch.tensor([[_ahead(state)] for state in states])
    return by_units + ahead * (_meeting(by_points - at_rest) - by_units)


def _meeting(form: Tensor) -> Tensor:
    """Gap, upper lip and width [F, 3] of where the lips meet, by those of the edges that are
    seen."""
    upper, lower = lip_laps()[:, [UPPER.index(pair[0]) for pair in INNER_LIPS]].mean(1)
    share = shares_seen(form[:, 0], upper + lower)
    return form + share[:, None] * torch.stack([upper + lower, upper, 0 * upper])


def _form(across: Tensor, up: Tensor) -> Tensor:
    """Gap, upper lip and width [3, ...] of places of the inner lips [P, ...] along two axes."""
    upper, lower = up[: len(INNER_LIPS)].mean(0), up[len(INNER_LIPS) : -2].mean(0)
    return torch.stack([upper - lower, upper, across[-1] - across[-2]])


def _away(rest: Tensor, person: Person, state: FrameState, found: Tensor) -> Tensor:
    """How far [P, 2] the landmarks of the inner lips were found [478, 2], in pixels, from where
    they would be at rest [P, 3], in metres along the picture's x and y."""
    camera = rest @ state.rotation.to(rest).T + state.translation.to(rest)
    away = found[list(INNER)].to(rest) - placed_in(camera, person, state).pixels
    return away * camera[:, 2:] / person.focal


def _ahead(state: FrameState) -> float:
    """From 0 for a head that looks aside to 1 for one that looks ahead."""
    aside = abs(float(state.rotation[2, 0]))
    return min(1.0, max(0.0, (ASIDE[1] - aside) / (ASIDE[1] - ASIDE[0])))


def _picture_axes(state: FrameState) -> Tensor:
    """Directions [2, 3] in head space that a frame shows as right and upwards."""
    return upright_axes(state.rotation).double() @ state.rotation[:2].double()


def inner_moves(model: FaceModel) -> Tensor:
    """What units add to the landmarks of the inner lips [P, 3, E]."""
    moves = skin_points(model.head, model.units.permute(1, 2, 0).flatten(1))[INNER_ROWS]
    return moves.view(len(INNER), 3, -1).double()


def seen_slopes(moves: Tensor, state: FrameState) -> Tensor:
    """What units add to gap, upper lip and width [3, E] as a frame shows them: a jaw that opens
    goes back, which from above or below looks like more or less."""
    return _form(*torch.einsum("ax,pxe->ape", _picture_axes(state), moves))


def with_form(
    model: FaceModel, person: Person, states: Sequence[FrameState], form: Tensor
) -> list[FrameState]:
    """The states with the gap, upper lip and width [F, 3] of `seen_form`; the lips are sealed at
    rest."""
    rows, moves, free = mouth_rows(model, person), inner_moves(model), named_units(model, MOUTH)
    formed = []
    for state, wanted in zip(states, form, strict=True):
        seen = replace(rows, form=seen_slopes(moves, state))
        exact = with_mouth(seen, state.weights[None], wanted[None], free)
        found = within_range(model, seen, exact)[0]
        formed.append(replace(state, weights=found.to(state.weights)))
    return formed
