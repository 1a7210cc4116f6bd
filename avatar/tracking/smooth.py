"""Postprocessing over a film's frames: smoothing, the neutral face, and contact of the lips, which
never intersect.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation
from torch import Tensor

from avatar.geometry.vectors import MM, Ints
from avatar.heads.head import sealed
from avatar.tracking.model import FaceModel, FrameState, Person

NEAR = 0.35 * MM  # a gap at which the weight of contact is a quarter
LOOSE = 0.5 * MM  # how far apart lips that touch are
WEIGHT_SPREAD = 0.05  # of a unit's weight around the tracked one
ROUNDS = 4
MOUTH = ("jaw", "mouth")


def touching(model: FaceModel, person: Person, states: Sequence[FrameState]) -> list[FrameState]:
    """The states with lips in contact where they are nearly shut, or intersect.

    Iterated reweighting of the pairs of the inner lips: by Geman and McClure's weight (1985) those
    that are apart, so that an open mouth is not affected, and fully those where the upper lip is
    below the lower. The weights of mouth and jaw change as little as they can.
    """
    apart, slopes = (part.double() for part in lips_apart(model, person))
    free = named_units(model, MOUTH)
    return [replace(one, weights=_meeting(apart, slopes, free, one.weights)) for one in states]


def lips_apart(model: FaceModel, person: Person) -> tuple[Tensor, Tensor]:
    """From the lower inner lip to the upper: at rest [P, 3], and what units add to it [P, 3, E]."""
    upper, lower = (model.head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    rest = model.rest(person.shape)
    slopes = (model.units[:, upper] - model.units[:, lower]).permute(1, 2, 0)
    return rest[upper] - rest[lower], slopes


def bounded_step(system: Tensor, right: Tensor, weights: Tensor) -> Tensor:
    """The step [E] from weights [E] that solves the system [E, E] and leaves them in [0, 1]:
    bounded unknowns are fixed and the others solved again."""
    step, held = torch.zeros_like(right), torch.zeros(len(right), dtype=torch.bool)
    for _ in range(ROUNDS):
        left = torch.where(held, step, right - system @ (step * held))
        inner = system * (~held[:, None] & ~held) + held.to(system).diag()
        full = torch.linalg.solve(inner, left)
        step = (weights + full).clamp(0, 1) - weights
        held = held | (step != full)
    return step


def named_units(model: FaceModel, first: tuple[str, ...]) -> Tensor:
    """Indices of the units whose names begin with `first`."""
    names = model.head.unit_names
    return torch.tensor([k for k, name in enumerate(names) if name.startswith(first)])


def _nearness(gap: Tensor, scale: float) -> Tensor:
    """1 for a gap of nothing to 0 for a wide one (Geman and McClure 1985)."""
    return (scale**2 / (scale**2 + gap.square())) ** 2


def _meeting(apart: Tensor, slopes: Tensor, free: Tensor, weights: Tensor) -> Tensor:
    """Weights [E] of one state; gaps are apart [P, 3] + slopes [P, 3, E] · weights."""
    before_step = apart + slopes @ weights.to(apart)
    along = slopes[..., free]
    step = torch.zeros(len(free)).to(apart)
    before = weights[free].to(apart)
    for _ in range(ROUNDS):
        gaps = before_step + along @ step
        near = _nearness(gaps.norm(dim=1), NEAR)
        weight = torch.where(gaps[:, 1] < 0, 1.0, near) / LOOSE**2 / len(gaps)  # [P]
        system = torch.einsum("pxe,p,pxf->ef", along, weight, along)
        system += WEIGHT_SPREAD**-2 * torch.eye(len(free)).to(system)
        right = torch.einsum("pxe,p,px->e", along, weight, before_step)
        step = (before - torch.linalg.solve(system, right)).clamp(0, 1) - before
    after = weights.clone()
    after[free] = (before + step).to(after)
    return after


POSE_SECONDS = 0.04  # standard deviation of the smoothing of the head's pose
SLOW_SECONDS = 0.05  # and of the units that never move fast
SLOW = ("brow", "cheek", "noseSneer", "eyeSquint", "eyeWide")
NEUTRAL_SHARE = 0.05  # of the frames show less of a unit than the face at rest has
OPEN_SHARE = 0.25  # of the frames have the lids farther open than at rest
CLUSTER = 0.2  # of the frames that have the lips shut, at least
NEARER = 0.5  # of the frames: the shut ones are among those with the lips nearest
NEVER_NEUTRAL = ("eyeLook", "mouthClose", "tongueOut")
"""Units that are never part of the neutral face."""
MOST_NEUTRAL = 0.7  # of a unit that the face at rest may have
MOST_OPEN = 0.15  # of jawOpen: speakers close the mouth, so that more is an error


def smoothed(model: FaceModel, states: Sequence[FrameState], fps: float) -> list[FrameState]:
    """Moments in the order of the film, smoothed forwards and backwards alike, without
    delay. Lips, jaw, lids and gaze stay as they are: a closure lasts no longer than two frames."""
    rotations = Rotation.from_matrix(torch.stack([one.rotation for one in states]).numpy())
    middle = rotations.mean()
    turns = gaussian_filter1d((middle.inv() * rotations).as_rotvec(), POSE_SECONDS * fps, axis=0)
    shifts = torch.stack([one.translation for one in states]).numpy()
    shifts = gaussian_filter1d(shifts, POSE_SECONDS * fps, axis=0)
    weights = torch.stack([one.weights for one in states]).numpy()
    slow = [k for k, name in enumerate(model.head.unit_names) if name.startswith(SLOW)]
    weights[:, slow] = gaussian_filter1d(weights[:, slow], SLOW_SECONDS * fps, axis=0)
    turned = (middle * Rotation.from_rotvec(turns)).as_matrix()
    return [
        FrameState(torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(c))
        for a, b, c in zip(turned, shifts, weights, strict=True)
    ]


def neutral_weights(model: FaceModel, person: Person, weights: Tensor) -> Tensor:
    """Weights [E] of the neutral face: of weights [F, E], what nearly all frames have,
    of the lids' closure what a quarter of them, as eyes are mostly open, and of the mouth and the
    jaw what the frames have in which the lips are as they most often are: shut.

    A smile that never goes away is the form of the mouth.
    """
    closed = _closed_frames(model, person, weights)
    found = []
    for name, each in zip(model.head.unit_names, weights.T.numpy(), strict=True):
        share = OPEN_SHARE if name.startswith("eyeBlink") else NEUTRAL_SHARE
        rest = np.median(each[closed]) if name.startswith(MOUTH) else np.quantile(each, share)
        found.append(0.0 if name.startswith(NEVER_NEUTRAL) else float(rest))
    most = [MOST_OPEN if name == "jawOpen" else MOST_NEUTRAL for name in model.head.unit_names]
    return torch.minimum(*torch.tensor([found, most], dtype=torch.float64))


def _closed_frames(model: FaceModel, person: Person, weights: Tensor) -> Ints:
    """The frames, of weights [F, E], whose lips are most alike in how far they are apart: the
    shortest interval of gaps that holds a share of the frames (as in the half-sample mode), among
    those whose lips are nearer than in the others: a mouth may also be open alike for long."""
    apart, slopes = (part[:, 1].mean(0) for part in lips_apart(model, person))  # upwards: [], [E]
    gaps = (apart + weights.to(slopes) @ slopes).numpy()
    count = max(1, round(CLUSTER * len(gaps)))
    order = gaps.argsort()[: max(count, round(NEARER * len(gaps)))]
    lengths = gaps[order[count - 1 :]] - gaps[order[: len(order) - count + 1]]
    first = int(lengths.argmin())
    return order[first : first + count]


def at_neutral(
    model: FaceModel, person: Person, states: Sequence[FrameState], neutral: Tensor
) -> tuple[FaceModel, list[FrameState]]:
    """The same faces with the neutral weights [E] as a part of the person: units and weights are
    relative to it, and a weight of 1 stays 1. At rest the lips are sealed."""
    form = model.offsets(neutral)
    left = 1 - neutral
    units = model.units * left.to(model.units)[:, None, None]
    rest = replace(model, mean=model.mean + form, units=units)
    face = rest.rest(person.shape)
    shut = torch.from_numpy(sealed(rest.head, face.double().numpy())).to(face)
    rest = replace(rest, mean=rest.mean + (shut - face))
    relative = [((one.weights - neutral) / left).clamp(0, 1) for one in states]
    return rest, [replace(a, weights=b) for a, b in zip(states, relative, strict=True)]
