"""Joint Gauss-Newton over the frames of a film: each frame's unknowns are eliminated by a Schur
complement, so that the cost is linear in the frames (Triggs and others 2000, section 6.1)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, reduce
from typing import NamedTuple

import torch
from torch import Tensor

from avatar.tracking.model import FaceModel, FrameState, Person
from avatar.tracking.residuals import POSE, Equations
from common.parallel import spread

DAMPING = 1e-4  # of Levenberg and Marquardt, relative to the diagonal
FULLER = {"eyeBlink": 4.3, "eyeLook": 2.8, "jawOpen": 4.3}
"""Times the spread of other units, as those are often at 1, and the eyes turn often and far."""
GAZE_SPREAD = 0.065  # of the difference between both eyes' gaze, in weights
FOCAL_SPREAD = 0.35  # of the logarithm of an unknown focal length
FREEDOM = 3.0  # degrees of, of a face's pitch
LOOKS = (("Up", "Up"), ("Down", "Down"), ("In", "Out"), ("Out", "In"))

Gather = Callable[[int, Person, FrameState], Equations]
"""The equations of one frame, with those of the person after its own."""


@dataclass(frozen=True)
class FocalPrior:
    """Prior of the focal length."""

    pixels: float
    spread: float = FOCAL_SPREAD  # of its logarithm


class _Eliminated(NamedTuple):
    """A frame whose unknowns are eliminated in favour of the person's."""

    alone: Tensor  # [O] the frame's step, negated, if the person is fixed
    along: Tensor  # [O, S] its derivative by the person's step
    system: Tensor  # [S, S] what is left for the person
    right: Tensor  # [S]


def joint_step(
    model: FaceModel,
    person: Person,
    states: Sequence[FrameState],
    gather: Gather,
    prior: FocalPrior,
    inner: bool = True,
    focal: bool = True,
) -> tuple[Person, list[FrameState]]:
    """One step of all unknowns of a film at once: poses; if `inner`, weights and shape; if `focal`,
    the focal length."""

    def eliminated(frame: int) -> _Eliminated:
        return _eliminated(gather(frame, person, states[frame]), model, states[frame], inner)

    kept = list(spread(eliminated, range(len(states))))
    system = reduce(torch.add, [found.system for found in kept])
    right = reduce(torch.add, [found.right for found in kept])
    held = ~torch.tensor([inner] * len(model.modes) + [focal])
    step = _shared_step(system, right, model, person, held, prior)
    after = [
        state.moved(-found.alone - found.along @ step)
        for state, found in zip(states, kept, strict=True)
    ]
    return _moved(person, step), after


def _eliminated(
    equations: Equations, model: FaceModel, state: FrameState, weights: bool
) -> _Eliminated:
    own = POSE + len(model.units)
    found = _with_prior(equations, model, state)
    inner, slope, across = _own_part(found, own, _held(found, state, own, weights))
    factor = torch.linalg.cholesky(inner)
    solved = torch.cholesky_solve(torch.cat([slope[:, None], across], 1), factor)
    alone, along = solved[:, 0], solved[:, 1:]
    system = found.system[own:, own:] - across.T @ along
    return _Eliminated(alone, along, system, found.gradient[own:] - across.T @ alone)


def own_step(
    model: FaceModel, state: FrameState, found: Equations, weights: bool = True
) -> FrameState:
    """One step of a frame whose person is known; `found` has the frame's unknowns only."""
    own = POSE + len(model.units)
    found = _with_prior(found, model, state)
    inner, slope, _ = _own_part(found, own, _held(found, state, own, weights))
    factor = torch.linalg.cholesky(inner)
    return state.moved(-torch.cholesky_solve(slope[:, None], factor)[:, 0])


def weight_prior(model: FaceModel, state: FrameState) -> Equations:
    """The prior of the weights [E]: sparse units, and equal gaze of both eyes."""
    system = _weight_precision(model.head.unit_names, model.unit_spread)
    return Equations(system, system @ state.weights.double())


@cache
def _weight_precision(names: tuple[str, ...], spread: float) -> Tensor:
    """[E, E] of the prior of units by their names."""
    spreads = [
        next((times for start, times in FULLER.items() if name.startswith(start)), 1.0)
        for name in names
    ]
    system = (spread * torch.tensor(spreads, dtype=torch.float64)).pow(-2).diag()
    for left, right in LOOKS:
        tie = torch.zeros(len(names), dtype=torch.float64)
        tie[names.index(f"eyeLook{left}Left")] = 1 / GAZE_SPREAD
        tie[names.index(f"eyeLook{right}Right")] = -1 / GAZE_SPREAD
        system += torch.outer(tie, tie)
    return system


def _with_prior(found: Equations, model: FaceModel, state: FrameState) -> Equations:
    """The equations of a frame with the priors of its weights and of its pitch."""
    prior, own = weight_prior(model, state), POSE + len(model.units)
    system, gradient = found.system.clone(), found.gradient.clone()
    system[POSE:own, POSE:own] += prior.system
    gradient[POSE:own] += prior.gradient
    pitch = pitch_prior(model, state)
    system[:POSE, :POSE] += pitch.system
    gradient[:POSE] += pitch.gradient
    return Equations(system, gradient)


def pitch_prior(model: FaceModel, state: FrameState) -> Equations:
    """The prior of the pose [POSE]: a face that looks neither up nor down from the camera. Points
    of one view hardly tell it from a face that recedes. Student's t distribution of the pitch's
    sine, by a step of iterative reweighting: some people do look up or down."""
    right, down, forward = state.rotation[:, 2].tolist()  # where the face looks to
    slope = torch.zeros(POSE, dtype=torch.float64)
    slope[0], slope[2] = -forward, right  # of `down`, by a turn
    far = down / model.pitch_spread
    weight = (FREEDOM + 1) / (FREEDOM + far**2) / model.pitch_spread**2
    return Equations(weight * torch.outer(slope, slope), weight * down * slope)


def _held(found: Equations, state: FrameState, own: int, weights: bool) -> Tensor:
    """[own] true for unknowns of a frame that are fixed: of weights those at their bounds, or
    all."""
    held = torch.zeros(own, dtype=torch.bool)
    if not weights:
        held[POSE:] = True
        return held
    slope = found.gradient[POSE:own]
    low, high = state.weights <= 0, state.weights >= 1
    held[POSE:] = (low & (slope > 0)) | (high & (slope < 0))
    return held


def _own_part(found: Equations, own: int, held: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The frame's own system [O, O] and gradient [O] with damping, and its coupling to
    the person's unknowns [O, S]; rows of fixed unknowns give a step of 0."""
    inner, slope = found.system[:own, :own].clone(), found.gradient[:own].clone()
    across = found.system[:own, own:].clone()
    inner.diagonal().mul_(1 + DAMPING)
    inner[held, :] = 0
    inner[:, held] = 0
    inner[held, held] = 1
    slope[held], across[held] = 0, 0
    return inner, slope, across


def _shared_step(
    system: Tensor, right: Tensor, model: FaceModel, person: Person, held: Tensor, prior: FocalPrior
) -> Tensor:
    """The step [S + 1] of the person's shape and the logarithm of the focal length, of which some
    are held [S + 1]."""
    precision = torch.cat([model.precision.double(), torch.tensor([prior.spread**-2.0]).double()])
    away = torch.log(torch.tensor(person.focal / prior.pixels, dtype=torch.float64))
    values = torch.cat([person.shape.double(), away[None]])
    system = system + precision.diag()
    right = right + precision * values
    system.diagonal().mul_(1 + DAMPING)
    system[held, :] = 0
    system[:, held] = 0
    system[held, held] = 1
    right = right.masked_fill(held, 0)
    return -torch.linalg.solve(system, right)


def _moved(person: Person, step: Tensor) -> Person:
    shape = person.shape + step[:-1].to(person.shape)
    return replace(person, shape=shape, focal=person.focal * float(step[-1].exp()))
