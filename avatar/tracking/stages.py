"""Stages of the solution: the initial pose of a frame from its landmarks, the joint solution over
the key frames from landmarks and then with colours, and single frames of a known person.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from avatar.heads import fit_units
from avatar.tracking.colours import (
    Observed,
    Paint,
    Samples,
    colour_residuals,
    exposure,
    face_samples,
    mix_paint,
    observe,
    samples_on,
    unexposed,
)
from avatar.tracking.landmarks import (
    LandmarkModel,
    landmark_model,
    landmark_residuals,
    with_person_offsets,
)
from avatar.tracking.model import FaceModel, FrameState, Person
from avatar.tracking.pyramid import level
from avatar.tracking.residuals import Equations, normal_equations, place
from avatar.tracking.silhouette import (
    Contour,
    OutlineModel,
    SeenEar,
    at_rest,
    ear_equations,
    find_contour,
    outline_model,
    silhouette_residuals,
)
from avatar.tracking.solve import FocalPrior, Gather, joint_step, own_step
from common.parallel import spread

UPRIGHT = torch.diag(torch.tensor([1.0, -1.0, -1.0]))  # head space (+y up, +z out) to camera axes
STEPS = 10


def first_frame_state(
    model: FaceModel, landmarks: LandmarkModel, person: Person, found: Tensor
) -> FrameState:
    """Scaled orthography with iterations towards perspective (POSIT, DeMenthon and Davis 1995),
    from landmarks [478, 2] in pixels."""
    points = landmarks.points.of_person(person.shape).mean.double()  # [L, 3]
    rays = (found[landmarks.index].double() - torch.tensor(person.centre)) / person.focal
    middle = points.mean(0)
    arms = points - middle
    depth = torch.ones(len(points), dtype=torch.float64)  # of each point over that of the middle
    rotation, shift = UPRIGHT.double(), torch.zeros(3, dtype=torch.float64)
    onto = torch.linalg.pinv(arms)  # [3, L]
    for _ in range(STEPS):
        seen = rays * depth[:, None]
        rows = (onto @ (seen - seen.mean(0))).T  # [2, 3]
        sizes = rows.norm(dim=1)
        first, second = rows / sizes[:, None]
        guess = torch.stack([first, second, torch.linalg.cross(first, second)])
        u, _, vt = torch.linalg.svd(guess)
        rotation = u @ torch.diag(torch.tensor([1.0, 1.0, float((u @ vt).det())]).double()) @ vt
        distance = 1 / sizes.mean()
        shift = torch.cat([seen.mean(0), torch.ones(1)]) * distance
        depth = 1 + arms @ rotation[2] / distance
    translation = shift - rotation @ middle
    return FrameState(rotation, translation, torch.zeros(len(model.units), dtype=torch.float64))


POSE_STEPS, WEIGHT_STEPS, ALL_STEPS = 4, 2, 10
LEVELS, STEPS_PER_LEVEL = (4, 2, 1), 6
OUTLINE_AT = (1,)  # levels at which the outline is used
PAINT_EVERY = 2  # steps between two updates of the colours
PERSON_OFFSETS_AT = (1,)  # levels at which landmarks have the person's offsets
OWN_STEPS = {4: 3, 2: 2, 1: 2}  # steps of a single frame at each level

Report = Callable[[], None]


@dataclass(frozen=True)
class Seen:
    """Observations of a frame."""

    points: Tensor  # [478, 2] pixels
    picture: Tensor  # [H, W, 4] colours in [0, 1] and where skin is, 1 or 0
    masks: Tensor | None = None
    """[H, W, 2] of the person and of hair, in [0, 1]; without them no outline is looked for"""


@dataclass(frozen=True)
class Solved:
    """A person with their colours, and the key frames."""

    model: FaceModel  # its units fitted to the person
    person: Person
    states: list[FrameState]
    paint: Paint | None = None
    landmarks: LandmarkModel | None = None  # with the person's offsets


def solve_landmarks(
    model: FaceModel,
    person: Person,
    prior: FocalPrior,
    found: Sequence[Tensor],
    free_focal: bool,
    ears: Sequence[Sequence[SeenEar]] | None = None,
) -> Solved:
    """Pose, expression, identity and focal length from the landmarks [478, 2] of key frames, and
    from the ears that each shows, if any."""
    landmarks = landmark_model(model)
    states = [first_frame_state(model, landmarks, person, points) for points in found]

    def gather(frame: int, person: Person, state: FrameState) -> Equations:
        equations = _landmark_equations(landmarks, person, state, found[frame])
        for ear in ears[frame] if ears else ():
            equations += ear_equations(ear, person, state)
        return equations

    for step in range(POSE_STEPS + WEIGHT_STEPS + ALL_STEPS):
        inner = step >= POSE_STEPS
        focal = free_focal and step >= POSE_STEPS + WEIGHT_STEPS
        person, states = joint_step(model, person, states, gather, prior, inner, focal)
    return Solved(fitted(model, person), person, states)


def solve_colours(
    solved: Solved, prior: FocalPrior, seen: Sequence[Seen], free_focal: bool, done: Report
) -> Solved:
    """The same with the colours of the skin, from coarse pictures to fine ones."""
    model, person, states = solved.model, solved.person, solved.states
    landmarks, samples = landmark_model(model), face_samples(model)
    gains, paint = torch.ones(len(seen), 3), None
    points = [frame.points for frame in seen]
    for scale in LEVELS:
        outline = outline_model(model) if scale in OUTLINE_AT else None
        pictures = list(spread(partial(level, scale=scale), [frame.picture for frame in seen]))
        shared = landmarks
        for step in range(STEPS_PER_LEVEL):
            resting = at_rest(model, person)
            frames = zip(states, pictures, strict=True)
            views = [(*resting, state, samples, picture, scale) for state, picture in frames]
            observations = list(spread(lambda view: observe(*view), views))
            if step % PAINT_EVERY == 0:
                paint, gains = mix_paint(observations, gains)
                if scale in PERSON_OFFSETS_AT:
                    landmarks = with_person_offsets(shared, person, states, points)
            assert paint is not None
            gather = _gatherer(
                landmarks, samples, seen, observations, paint, gains, resting, outline
            )
            person, states = joint_step(model, person, states, gather, prior, focal=free_focal)
            done()
        model = fitted(model, person)
        landmarks, samples = landmark_model(model), samples_on(model, samples.corners)
    landmarks = with_person_offsets(landmarks, person, states, points)
    return Solved(model, person, states, paint, landmarks)


def solve_frame(own: "OwnModel", seen: Seen) -> FrameState:
    """One frame of a known person."""
    model, person, paint = own.model, own.person, own.paint
    state = first_frame_state(model, own.landmarks, person, seen.points)
    for step in range(POSE_STEPS):
        equations = _landmark_equations(own.landmarks, person, state, seen.points)
        state = own_step(model, state, equations, weights=step >= POSE_STEPS // 2)
    for scale, steps in OWN_STEPS.items():
        coarse, contour = level(seen.picture, scale), None
        if scale in OUTLINE_AT and seen.masks is not None:
            contour = find_contour(model, person, state, own.outline, seen.masks)
        for _ in range(steps):
            observed = observe(model, person, state, own.samples, coarse, scale)
            predicted = unexposed(observed, paint)
            predicted = exposure(observed, paint, predicted) * predicted
            equations = _landmark_equations(own.landmarks, person, state, seen.points)
            equations += _colour_equations(own.samples, person, state, observed, paint, predicted)
            if contour is not None:
                equations += _contour_equations(contour, person, state)
            state = own_step(model, state, equations)
    return state


@dataclass(frozen=True)
class OwnModel:
    """One person, with units as the only unknowns."""

    model: FaceModel  # without modes: its mean is the person at rest
    person: Person
    paint: Paint
    landmarks: LandmarkModel
    samples: Samples
    outline: OutlineModel


def own_model(solved: Solved) -> OwnModel:
    """The model of a solved person."""
    assert solved.paint is not None and solved.landmarks is not None
    landmarks, samples = solved.landmarks, face_samples(solved.model)
    outline = outline_model(solved.model)
    shape = solved.person.shape
    return OwnModel(
        *at_rest(solved.model, solved.person),
        solved.paint,
        replace(landmarks, points=landmarks.points.of_person(shape)),
        replace(samples, points=samples.points.of_person(shape)),
        replace(outline, points=outline.points.of_person(shape)),
    )


def _gatherer(
    landmarks: LandmarkModel,
    samples: Samples,
    seen: Sequence[Seen],
    observations: Sequence[Observed],
    paint: Paint,
    gains: Tensor,
    resting: tuple[FaceModel, Person],
    outline: OutlineModel | None,
) -> Gather:
    def gather(frame: int, person: Person, state: FrameState) -> Equations:
        observed, masks = observations[frame], seen[frame].masks
        equations = _landmark_equations(landmarks, person, state, seen[frame].points)
        predicted = gains[frame] * unexposed(observed, paint)
        equations += _colour_equations(samples, person, state, observed, paint, predicted)
        if outline is not None and masks is not None:
            contour = find_contour(*resting, state, outline, masks)
            equations += _contour_equations(contour, person, state)
        return equations

    return gather


def _contour_equations(contour: Contour, person: Person, state: FrameState) -> Equations:
    placed = place(contour.points, person, state)
    residuals = silhouette_residuals(contour, placed)
    return normal_equations(contour.points, person, state, placed, residuals)


def _landmark_equations(
    landmarks: LandmarkModel, person: Person, state: FrameState, found: Tensor
) -> Equations:
    placed = place(landmarks.points, person, state)
    residuals = landmark_residuals(landmarks, person, state, placed, found)
    return normal_equations(landmarks.points, person, state, placed, residuals)


def _colour_equations(
    samples: Samples,
    person: Person,
    state: FrameState,
    observed: Observed,
    paint: Paint,
    lit: Tensor,
) -> Equations:
    residuals = colour_residuals(observed, paint, lit)
    return normal_equations(samples.points, person, state, observed.placed, residuals)


def fitted(model: FaceModel, person: Person) -> FaceModel:
    """The model with lids that close on this person's eyes."""
    return replace(model, units=fit_units(model.head, model.rest(person.shape)))
