"""The mouth of a tracked frame: refined until its landmarks are where they were found, and carried
over to the mean head with the lip gap, upper lip and width that the person's mouth has.

A frame's solution weighs many points against a prior that prefers small weights, so that mouths
move too little. Here only the landmarks of lips and chin count, with a loose prior around the
solution, and weights may leave [0, 1] until the person is taken out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from avatar.geometry.vectors import MM
from avatar.tracking.landmarks import (
    LIPS,
    LandmarkModel,
    expected_pixels,
    upright_axes,
    visible_share,
)
from avatar.tracking.lip_edges import LOWER, UPPER, meeting_points
from avatar.tracking.model import FaceModel, FrameState, Person
from avatar.tracking.residuals import POSE, Residuals, normal_equations, place
from avatar.tracking.smooth import MOUTH, bounded_step, named_units

CHIN = (18, 83, 313, 200, 199, 182, 406, 201, 421, 194, 418, 208, 428)
POINT_SPREAD = 0.4 * MM  # of a landmark of the mouth, once the person's offsets are known
LOOSE_PRIOR = 0.2  # of a unit's weight around the solution
REFINEMENTS = 3
INNER_LIPS = tuple(zip(UPPER, LOWER, strict=True))[2:-2]
"""Landmarks in the middle of the inner lips, one above the other."""
FARTHEST = (-0.5, 1.5)  # weights of a refined mouth
UNSEEN = ("jawForward", "mouthRollUpper")
"""Units that part the lips in depth, which a film from the front does not tell."""


def mouth_landmarks(landmarks: LandmarkModel) -> LandmarkModel:
    """Those of lips and chin."""
    wanted = torch.tensor(sorted({*LIPS, *CHIN}))
    rows = torch.isin(landmarks.index, wanted).nonzero().squeeze(1)
    return LandmarkModel(
        index=landmarks.index[rows],
        points=landmarks.points.at(rows),
        normals=landmarks.normals[rows],
        errors=landmarks.errors[rows],
        spread=landmarks.spread[rows],
        person_gain=landmarks.person_gain[rows],
    )


def refined_mouth(
    model: FaceModel, person: Person, mouth: LandmarkModel, state: FrameState, found: Tensor
) -> FrameState:
    """The state with the units of mouth and jaw that bring the landmarks of `mouth` to where they
    were found [478, 2], in pixels, or where the lips meet; the pose stays."""
    up, metre = upright_axes(state.rotation)[1], person.focal / float(state.translation[2])
    found = meeting_points(found, up, metre)
    free = named_units(model, MOUTH)
    before = state.weights[free].double()
    for _ in range(REFINEMENTS):
        placed = place(mouth.points, person, state)
        away = expected_pixels(mouth, person, state, placed) - found[mouth.index].to(placed.pixels)
        spread = POINT_SPREAD * person.focal / placed.camera[:, 2]
        weight = visible_share(mouth.normals, state, placed) / spread**2  # [L]
        residuals = Residuals(weight[:, None, None] * torch.eye(2), weight[:, None] * away)
        found_equations = normal_equations(mouth.points, person, state, placed, residuals)
        system = found_equations.system[POSE:, POSE:][free][:, free]
        gradient = found_equations.gradient[POSE:][free]
        now = state.weights[free].double()
        system = system + LOOSE_PRIOR**-2 * torch.eye(len(free)).double()
        step = torch.linalg.solve(system, gradient + LOOSE_PRIOR**-2 * (now - before))
        weights = state.weights.clone()
        weights[free] = (now - step).clamp(*FARTHEST).to(weights)
        state = replace(state, weights=weights)
    return state


SHUT = 0.4 * MM  # lip gap below which lips touch along their whole length
EVEN = 0.05 * MM  # how nearly gap, upper lip and width are met
CONTACT = 0.3 * MM  # how nearly the pairs of the lips touch
SHUT_SHARE = 0.1  # of the frames, at least, have the lips shut
UNIT_SPREAD = 0.1  # of a unit's weight that gives way


@dataclass(frozen=True)
class MouthRows:
    """Gaps, upper lip and width of a mouth, linear in the weights of the units."""

    at_rest: Tensor  # [2P] metres between the lips' pairs, upwards and then forwards
    slopes: Tensor  # [2P, E]
    form: Tensor  # [3, E] of mean gap, height of the upper lip's middle, and mouth width

    def of(self, weights: Tensor) -> Tensor:
        """Mean gap, height of the upper lip's middle, and width [F, 3] in metres of weights [F, E],
        less those at rest."""
        return weights.double() @ self.form.T


def mouth_rows(model: FaceModel, person: Person) -> MouthRows:
    """Those of a person."""
    head, rest = model.head, model.rest(person.shape).double()
    upper, lower = (head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    lips = head.regions["lips"]
    across = head.vertices[lips, 0]
    right, left = lips[across.argmin()], lips[across.argmax()]
    units = model.units.double()
    apart, parted = rest[upper] - rest[lower], units[:, upper] - units[:, lower]
    slopes = torch.cat([parted[..., 1], parted[..., 2]], 1).T
    third = len(upper) // 3
    height = units[:, upper[third:-third], 1].mean(1)
    width = units[:, left, 0] - units[:, right, 0]
    form = torch.stack([parted[..., 1].mean(1), height, width])
    return MouthRows(torch.cat([apart[:, 1], apart[:, 2]]), slopes, form)


def with_mouth(rows: MouthRows, weights: Tensor, wanted: Tensor, free: Tensor) -> Tensor:
    """Weights [F, E] near the given ones whose lip gap, upper lip and width are as wanted [F, 3],
    metres over those at rest; `free` [n]: the units that may change.

    A gap below 0 is none. Where it is next to nothing the lips touch pair by pair.
    """
    goal = wanted.double().clone()
    goal[:, 0].clamp_(min=0)
    found = weights.double().clone()
    found[:, free] += (goal - rows.of(found)) @ _pull(rows.form[:, free], EVEN).T
    shut = goal[:, 0] < SHUT
    touching = found[shut]
    apart = rows.at_rest + touching @ rows.slopes.T
    touching[:, free] -= apart @ _pull(rows.slopes[:, free], CONTACT).T
    found[shut] = touching
    return found.to(weights)


def _pull(slopes: Tensor, spread: float) -> Tensor:
    """[n, R] the smallest change of the units that moves rows [R, n] by a metre each, nearly."""
    prior = UNIT_SPREAD**2 * slopes
    system = slopes @ prior.T + spread**2 * torch.eye(len(slopes)).double()
    return torch.linalg.solve(system, prior).T


def shut_weights(model: FaceModel, person: Person, weights: Tensor) -> Tensor:
    """Weights [E] of the neutral face of weights [F, E]: the median of the frames with the lips
    nearest to each other. Units may be below 0 in other frames, so that none is cut off."""
    gap = mouth_rows(model, person).of(weights)[:, 0]
    return weights[gap <= gap.quantile(SHUT_SHARE)].quantile(0.5, dim=0)


def mean_head(model: FaceModel) -> FaceModel:
    """The model of nobody: the head that ships, with its units."""
    return replace(model, mean=model.head.vertices, units=model.head.units, modes=model.modes[:0])


def mean_rows(model: FaceModel, person: Person) -> MouthRows:
    """The rows of the mouth of the head that ships."""
    return mouth_rows(mean_head(model), replace(person, shape=person.shape[:0]))


def without_person(
    model: FaceModel, person: Person, states: Sequence[FrameState], neutral: Tensor
) -> Tensor:
    """Weights [F, E] that move the mean head as the frames move the person over their neutral
    face [E]: with the gap and width of the person's mouth, by the distance of the eyes."""
    weights = torch.stack([one.weights for one in states]) - neutral
    head = mean_head(model)
    nobody = replace(person, shape=person.shape[:0])
    size = eye_distance(head, nobody) / eye_distance(model, person)
    wanted = mouth_rows(model, person).of(weights) * size
    return with_mouth(mean_rows(model, person), weights, wanted, named_units(model, MOUTH))


def performed_mouth(
    model: FaceModel, person: Person, states: Sequence[FrameState], neutral: Tensor
) -> Tensor:
    """As `without_person`, by weights of mouth and jaw within [0, 1], which other programs can
    play: narrow lips are puckered, not stretched less than at rest."""
    exact = without_person(model, person, states, neutral)
    return within_range(model, mean_rows(model, person), exact)


def within_range(model: FaceModel, rows: MouthRows, exact: Tensor) -> Tensor:
    """Weights [F, E] near the given ones, of mouth and jaw within [0, 1], with the same gap, upper
    lip and width.

    Without the unseen units: by one of them a frame may have the gap that the frame before has by
    another, and lips jump apart in depth.
    """
    mouth, unseen = named_units(model, MOUTH), named_units(model, UNSEEN)
    free = mouth[~torch.isin(mouth, unseen)]
    along, touching = rows.form[:, free], rows.slopes[:, free]
    open_system = along.T @ along / EVEN**2 + UNIT_SPREAD**-2 * torch.eye(len(free)).double()
    shut_system = open_system + touching.T @ touching / CONTACT**2
    weights = exact.double().clone()
    weights[:, unseen] = 0
    weights[:, free] = weights[:, free].clamp(0, 1)
    wanted = rows.of(exact)
    for row, goal, moved in zip(weights, wanted, rows.of(weights), strict=True):
        right, system = along.T @ (goal - moved) / EVEN**2, open_system
        if goal[0] < SHUT:
            apart = rows.at_rest + rows.slopes @ row
            right, system = right - touching.T @ apart / CONTACT**2, shut_system
        row[free] += bounded_step(system, right, row[free])
    return weights


def eye_distance(model: FaceModel, person: Person) -> float:
    """Metres between the middles of a person's eyes."""
    rest = model.rest(person.shape)
    left, right = (rest[model.head.group_vertices(f"{side}-eye")].mean(0) for side in "lr")
    return float((left - right).norm())
