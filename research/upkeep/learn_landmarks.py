"""Learn the systematic errors of face landmarks from pictures of many synthetic people: the errors
that all people share, by view and symmetric between the sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.similarity import fit_similarity
from avatar.geometry.vectors import Floats
from avatar.heads import load_head
from avatar.heads.shape_space import load_shape_space
from avatar.rigging.avatar import pose
from avatar.tracking.landmarks import (
    EYES,
    FACING,
    FEATURES,
    LIPS,
    NOSE,
    SEEN,
    SKIN,
    SKIN_POINTS,
    learnt_landmarks,
    skin_points,
    upright_axes,
    view_features,
    view_of,
)
from avatar.vision.follow import FaceFinder, faces_in_picture, load_face_finder
from common.parallel import spread
from common.progress import progress_bar
from research.captures.film_motion import filmed
from research.captures.phone import backdrop, phone_camera, sensed
from research.captures.picture import draw
from research.captures.pose import pose_scene
from research.captures.scene import Scene, build_scene
from splat import Camera

FRAMES = 1000  # of the motion, from which pictures are taken at random
SIZE = (512, 512)  # pixels
GRAIN = 2.0  # grey levels: deviation of the noise


@dataclass(frozen=True)
class Examples:
    """Landmarks on F pictures against the truth."""

    errors: Tensor  # [F, L, 2] metres to the head's right in the picture and up in it
    views: Tensor  # [F, 2] as in `view_of`
    facing: Tensor  # [F, L] cosine between the skin and the view
    person: Tensor  # [F, L, 2] metres by which the person's face is not the mean one, as it is seen
    expression: Tensor  # [F, L, 2] and what the expression adds


def examples_of(seed: int, pictures: int, finder: FaceFinder) -> Examples:
    """As many pictures of the person of a seed, each with a camera and a room of its own."""
    scene = build_scene(seed)
    motion = filmed(scene.head, scene.units, FRAMES, None, 0.0, seed)
    rng = np.random.default_rng([seed, 21])
    own = _apart(scene)
    rows = []
    for frame in rng.choice(FRAMES, pictures, replace=False).tolist():
        camera = phone_camera(SIZE, None, int(rng.integers(1 << 31)))
        head_pose, offsets = motion.head_pose[frame], motion.offsets(scene.units, frame)
        vertices = pose(scene.rest + offsets, scene.head, head_pose)
        picture = _photographed(scene, offsets.numpy(), head_pose.numpy(), camera, rng)
        with torch.inference_mode():
            found = faces_in_picture(finder, picture).points
        if len(found):
            rotation = (camera.viewmat @ head_pose)[:3, :3].double()
            seen = _compared(scene, vertices, rotation, camera, found[0, :, :2].double())
            across = rotation[:2].T @ upright_axes(rotation).T  # head space to the picture's
            changes = [one @ across for one in (own, skin_points(scene.head, offsets.double()))]
            rows.append((*seen, *changes))
    return Examples(*(torch.stack(column) for column in zip(*rows, strict=True)))


def _apart(scene: Scene) -> Tensor:
    """By how much [L, 3] a person's landmarks are not those of the mean face, size aside."""
    both = (scene.rest, load_shape_space().mean)
    own, mean = (skin_points(scene.head, vertices.double()) for vertices in both)
    laid = fit_similarity(mean.numpy(), own.numpy()).apply(mean.numpy())
    return own - torch.from_numpy(laid)


def _photographed(
    scene: Scene, offsets: Floats, head_pose: Floats, camera: Camera, rng: np.random.Generator
) -> Tensor:
    """The picture [H, W, 3] in [0, 1]."""
    surface = pose_scene(scene, offsets, head_pose)
    behind = backdrop(SIZE, int(rng.integers(1 << 31)))
    picture = sensed([draw(surface, camera, np.ones(3), 1)], behind, GRAIN, rng)
    return torch.from_numpy(picture.colour).float() / 255


def _compared(
    scene: Scene, vertices: Tensor, rotation: Tensor, camera: Camera, found: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Errors [L, 2], the view [2] and cosines [L] of one picture, of points [478, 2] in pixels."""
    index, view, K = torch.tensor(SKIN_POINTS), camera.viewmat.double(), camera.K.double()
    local = vertices.double() @ view[:3, :3].T + view[:3, 3]
    points = skin_points(scene.head, local)
    a, b, c = local[scene.head.faces[learnt_landmarks().faces[index]]].unbind(1)  # [L, 3] each
    depth = points[:, 2:]
    pixels = K[0, 0] * points[:, :2] / depth + K[:2, 2]
    errors = (found[index] - pixels) * depth / K[0, 0]
    across = torch.linalg.cross(b - a, c - a)
    normals, rays = (torch.nn.functional.normalize(each, dim=1) for each in (across, points))
    facing = -(normals * rays).sum(1)
    return errors @ upright_axes(rotation).T, view_of(rotation, points), facing


RIDGE = 0.3  # pictures' worth of no error
HUBER = 2.5e-3  # metres
ROUNDS = 4
MEDIAN = 1.1774  # of the length of a normal vector in the plane, in standard deviations
GROUPS = (LIPS, EYES, NOSE)  # and all the others: so many landmarks have a gain in common


class FittedErrors(NamedTuple):
    """What is shipped of L landmarks."""

    errors: Tensor  # [L, 2, FEATURES] metres
    spread: Tensor  # [L] metres
    person_gain: Tensor  # [L]
    unit_gain: Tensor  # [L]


def fit_errors(examples: Sequence[Examples]) -> FittedErrors:
    """Robust ridge regression of each landmark's errors on the view, and of each group's on what
    sets the person and the expression apart, in turn."""
    one = Examples(*(torch.cat(column) for column in zip(*map(_parts, examples), strict=True)))
    share = ((one.facing - FACING) / (SEEN - FACING)).clamp(0, 1)  # [F, L]
    weight, lost = share, torch.zeros_like(one.errors)
    errors, gains = one.errors, torch.ones(one.errors.shape[1], 2)
    for _ in range(ROUNDS):
        errors = _by_view(one, one.errors - lost, weight)
        left = one.errors - torch.einsum("lck,fk->flc", errors, view_features(one.views))
        gains = _gains(one, left, weight)
        lost = (gains[:, :1] - 1) * one.person + (gains[:, 1:] - 1) * one.expression
        weight = share * (HUBER / (left - lost).norm(dim=-1).clamp(min=HUBER))
    lengths = torch.where(share > 0, (left - lost).norm(dim=-1), torch.nan)
    spread = (lengths.nanmedian(0).values / MEDIAN).nan_to_num(HUBER)
    return FittedErrors(errors, spread, gains[:, 0], gains[:, 1])


def _parts(one: Examples) -> tuple[Tensor, ...]:
    return one.errors, one.views, one.facing, one.person, one.expression


def _by_view(one: Examples, errors: Tensor, weight: Tensor) -> Tensor:
    """Expected errors [L, 2, FEATURES] of errors [F, L, 2] with weights [F, L]."""
    rows = view_features(one.views).to(errors)  # [F, K]
    weighed = rows * weight.T[..., None]  # [L, F, K]
    system = weighed.mT @ rows + RIDGE * torch.eye(FEATURES).to(rows)
    return torch.linalg.solve(system, weighed.mT @ errors.transpose(0, 1)).mT


def _gains(one: Examples, left: Tensor, weight: Tensor) -> Tensor:
    """The gains [L, 2] of person and expression that errors [F, L, 2] tell of; what all landmarks
    of a picture have in common is its pose."""
    found = torch.ones(left.shape[1], 2).to(left)
    total = weight.sum(1)[:, None, None]
    centred = [
        each - (each * weight[..., None]).sum(1, keepdim=True) / total
        for each in (left, one.person, one.expression)
    ]
    for group in _groups(left.shape[1]):
        off, *ways = ((weight[..., None].sqrt() * each)[:, group].flatten() for each in centred)
        found[group] += torch.linalg.lstsq(torch.stack(ways, 1), off[:, None]).solution[:, 0]
    return found


def _groups(count: int) -> list[Tensor]:
    """The landmarks of each group, as places among `count` of the skin."""
    points = torch.tensor(SKIN_POINTS[:count])
    inside = [torch.isin(points, torch.tensor(group)) for group in GROUPS]
    inside.append(~torch.stack(inside).any(0))
    return [one.nonzero().squeeze(1) for one in inside if one.any()]


def symmetric(errors: Tensor, partner: Tensor) -> Tensor:
    """The mean of errors [L, 2, FEATURES] and those of each landmark's partner [L] on the other
    side, mirrored: people are alike on both sides, the lamps of our pictures are not."""
    across = torch.tensor([-1.0, 1.0]).to(errors)[:, None]
    views = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, 1.0]).to(errors)  # of (-across, up)
    return (errors + across * views * errors[partner]) / 2


FIRST_SEED = 100  # below it are the people by whom tracking is judged


def learnt_from(people: int, pictures: int) -> dict[str, Tensor]:
    """The arrays of landmarks_on_anny_head.npz, all but the places learnt anew from so many
    people with so many pictures of each."""
    finder, examples = load_face_finder(), []
    seeds = range(FIRST_SEED, FIRST_SEED + people)
    with progress_bar("people", people, "people/s") as done:
        for one in spread(lambda seed: examples_of(seed, pictures, finder), seeds):
            examples.append(one)
            done()
    found, partner = fit_errors(examples), _partners()
    errors = symmetric(found.errors, partner)
    spreads = (found.spread + found.spread[partner]) / 2
    learnt = learnt_landmarks()
    return {
        "face": learnt.faces.int(),
        "barycentric": learnt.barycentric,
        "errors": _of_all(errors, 0.0),
        "spread": _of_all(spreads, 0.0),
        "person_gain": _of_all(found.person_gain, 1.0),
        "unit_gain": _of_all(found.unit_gain, 1.0),
    }


def _of_all(values: Tensor, elsewhere: float) -> Tensor:
    """Values [L, ...] of the landmarks of the skin as those of all 468."""
    whole = torch.full((SKIN, *values.shape[1:]), elsewhere)
    whole[list(SKIN_POINTS)] = values.float()
    return whole


def _partners() -> Tensor:
    """For each landmark of the skin [L] the one at the mirrored place."""
    points = skin_points(load_head(), load_shape_space().mean)
    return torch.cdist(points * torch.tensor([-1.0, 1.0, 1.0]), points).argmin(1)
