"""The 478 landmarks of a face on anny-head, the errors of their network, and their residuals.

Their numbers are those of the canonical face of MediaPipe (468 points of the skin, then five of
each iris). Their positions on the mesh were learnt from renderings of synthetic people with known
geometry, and so were the network's systematic errors: its bias as a function of the view, by how
much it underestimates differences between people and between expressions, and its random error
(by the script learn_landmarks.py of commit dd0d82f9). Five positions of the lower lip had come to
lie on the upper one, which it touches at rest; they were moved to the nearest points of their lip
after all else was learnt. The gain of units on lids, learnt as 0.82 with blinks that went beyond
the lower lid, is set to 1.
Offsets that are constant for a person are estimated from the frames of the film.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import MM
from avatar.heads import Head
from avatar.tracking.model import FaceModel, FrameState, Person, PointModel, points_of
from avatar.tracking.residuals import Placed, Residuals, place
from avatar.vision.landmarks import OVAL
from common.arrays import read_arrays

FEATURES = 6


def errors_from(errors: Tensor, rotation: Tensor, points_camera: Tensor) -> Tensor:
    """How far [L, 2] the network is expected to err, in metres along the picture's x and y.

    errors [L, 2, FEATURES]: metres to the head's right in the picture and up in it, by the products
    up to the second degree of the view; rotation [3, 3]: from head space to camera axes;
    points_camera [L, 3].
    """
    across, up = view_of(rotation, points_camera)
    products = [torch.ones_like(across), across, up, across**2, across * up, up**2]
    return (errors @ torch.stack(products).to(errors)) @ upright_axes(rotation).to(errors)


def view_of(rotation: Tensor, points_camera: Tensor) -> Tensor:
    """The view of a face [2]: the first two of the direction to the camera in head axes."""
    towards = -rotation.T @ points_camera.mean(0).to(rotation)
    return (towards / towards.norm())[:2]


def upright_axes(rotation: Tensor) -> Tensor:
    """The picture's directions [2, 2] to the right of and along the upright axis of a head."""
    up = rotation[:2, 1] / rotation[:2, 1].norm()
    return torch.stack([torch.stack([-up[1], up[0]]), up])


SKIN = 468
LIPS = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409),
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415),
)
EYES = (
    *(33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    *(263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
NOSE = (1, 2, 4, 5, 6, 168, 195, 197, 98, 327, 97, 326, 64, 294, 48, 278, 19, 94)
SKIN_POINTS = tuple(sorted(set(range(SKIN)) - set(OVAL)))
"""Without the outline's points, which slide along it and do not locate the skin."""
IRISES = {"r-eye": 468, "l-eye": 473}
PUPIL_VERTICES = 6  # of an eyeball, the foremost, whose middle is the pupil
IRIS_SPREAD = 0.2 * MM
SPREAD_SCALE = 1.5  # times the spread on pictures like those that it was learnt from
SHARED = 40.0  # landmarks with correlated errors that count as one
FACING, SEEN = 0.05, 0.4  # cosines between normal and view from which a point counts, and fully
HUBER = 2.0  # standard deviations


@dataclass(frozen=True)
class LandmarkModel:
    """The landmarks that are used, on the face model."""

    index: Tensor  # [L] among the 478
    points: PointModel
    normals: Tensor  # [L, 3] head space, of the mean face
    errors: Tensor  # [L, 2, FEATURES] metres, as in `errors_from`
    spread: Tensor  # [L] metres
    person_gain: Tensor  # [L] of a point's motion by the person's modes


@dataclass(frozen=True)
class LearntLandmarks:
    """The network's points of skin on anny-head, as learnt."""

    faces: Tensor  # [468] triangles
    barycentric: Tensor  # [468, 3]
    errors: Tensor  # [468, 2, FEATURES] metres
    spread: Tensor  # [468] metres
    person_gain: Tensor  # [468] of a point's motion by the person's modes
    unit_gain: Tensor  # [468] and by the units


LEARNT = ("barycentric", "errors", "spread", "person_gain", "unit_gain")


@cache
def learnt_landmarks() -> LearntLandmarks:
    """Those that ship."""
    with as_file(files("avatar.tracking").joinpath("data", "landmarks_on_anny_head.npz")) as path:
        arrays = read_arrays(path)
    return LearntLandmarks(
        torch.from_numpy(arrays["face"].astype(np.int64)),
        *(torch.from_numpy(arrays[key]).float() for key in LEARNT),
    )


def skin_points(head: Head, vertices: Tensor) -> Tensor:
    """The landmarks of the skin [L, 3] on a mesh [V, 3], or what offsets [V, 3] move them."""
    learnt, skin = learnt_landmarks(), torch.tensor(SKIN_POINTS)
    corners = vertices[head.faces[learnt.faces[skin]]]
    return (corners * learnt.barycentric[skin, :, None]).sum(1)


def landmark_model(model: FaceModel) -> LandmarkModel:
    """All landmarks but the outline's, and the middles of both irises."""
    learnt, skin = learnt_landmarks(), torch.tensor(SKIN_POINTS)
    corners, weights = model.head.faces[learnt.faces[skin]], learnt.barycentric[skin]
    on_skin = _as_detected(points_of(model, corners, weights), learnt, skin)
    pupils = [_pupil(model, group) for group in IRISES]
    normals = _normals(model, corners, weights)
    ahead = torch.tensor([[0.0, 0.0, 1.0]]).expand(len(pupils), 3)
    return LandmarkModel(
        index=torch.cat([skin, torch.tensor(list(IRISES.values()))]),
        points=PointModel(
            torch.cat([on_skin.mean, *(pupil.mean for pupil in pupils)]),
            torch.cat([on_skin.basis, *(pupil.basis for pupil in pupils)]),
            on_skin.units,
        ),
        normals=torch.cat([normals, ahead]),
        errors=torch.cat([learnt.errors[skin], torch.zeros(len(pupils), 2, FEATURES)]),
        person_gain=torch.cat([learnt.person_gain[skin], torch.ones(len(pupils))]),
        spread=torch.cat(
            [SPREAD_SCALE * learnt.spread[skin], torch.full((len(pupils),), IRIS_SPREAD)]
        ),
    )


def landmark_residuals(
    landmarks: LandmarkModel, person: Person, state: FrameState, placed: Placed, found: Tensor
) -> Residuals:
    """Residuals of the landmarks [478, 2] that a network found in a frame, in pixels."""
    spread = landmarks.spread * person.focal / placed.camera[:, 2]  # [L] pixels
    expected = expected_pixels(landmarks, person, state, placed)
    away = expected - found[landmarks.index].to(expected)
    share = visible_share(landmarks.normals, state, placed)
    far = away.norm(dim=1) / spread
    weight = share * (HUBER / far.clamp(min=HUBER)) / spread**2 / SHARED  # [L]
    information = weight[:, None, None] * torch.eye(2)
    return Residuals(information, weight[:, None] * away)


def expected_pixels(
    landmarks: LandmarkModel, person: Person, state: FrameState, placed: Placed
) -> Tensor:
    """Where [L, 2] the network is expected to find the landmarks of a frame."""
    errors = errors_from(landmarks.errors, state.rotation, placed.camera)
    return placed.pixels + errors * person.focal / placed.camera[:, 2:]


def visible_share(normals: Tensor, state: FrameState, placed: Placed) -> Tensor:
    """[P] from 0 for points on skin that turns away to 1 for skin that is seen well."""
    towards = -torch.nn.functional.normalize(placed.camera, dim=1)
    facing = ((normals @ state.rotation.to(normals).T) * towards).sum(1)
    return ((facing - FACING) / (SEEN - FACING)).clamp(0, 1)


def _as_detected(points: PointModel, learnt: LearntLandmarks, skin: Tensor) -> PointModel:
    """The points of skin as the network detects them: nearer to the mean than they are."""
    modes = points.basis.shape[2] - points.units
    gains = (learnt.unit_gain.expand(points.units, -1), learnt.person_gain.expand(modes, -1))
    return replace(points, basis=points.basis * torch.cat(gains)[:, skin].T[:, None])


def _pupil(model: FaceModel, group: str) -> PointModel:
    """The middle of a pupil as one point."""
    eyeball = model.head.group_vertices(group)
    foremost = eyeball[model.head.vertices[eyeball, 2].argsort(descending=True)[:PUPIL_VERTICES]]
    each = torch.stack([foremost, foremost, foremost], 1)
    points = points_of(model, each, torch.full((len(foremost), 3), 1 / 3))
    return PointModel(points.mean.mean(0)[None], points.basis.mean(0)[None], points.units)


def _normals(model: FaceModel, corners: Tensor, weights: Tensor) -> Tensor:
    head: Head = model.head
    skin = head.faces[head.group_faces("body")].numpy()
    normals = torch.from_numpy(point_normals(model.mean.numpy(), skin)).float()
    return torch.nn.functional.normalize((weights[..., None] * normals[corners]).sum(1), dim=1)


JITTER = 0.6  # of a landmark's learnt spread that varies from frame to frame
OFFSETS_SHARED = 5.0  # frames with correlated errors that count as one
ROUNDS = 2  # of robust reweighting


def with_person_offsets(
    landmarks: LandmarkModel, person: Person, states: Sequence[FrameState], found: Sequence[Tensor]
) -> LandmarkModel:
    """The landmarks with an offset each in head space, fitted to all frames' points [478, 2] with
    the learnt spread as prior; pupils have none."""
    spread = landmarks.spread.double() / SPREAD_SCALE
    offsets = torch.zeros(len(spread), 3, dtype=torch.float64)
    for _ in range(ROUNDS):
        system = spread.pow(-2)[:, None, None] * torch.eye(3).double()
        right = torch.zeros_like(offsets)
        shifted = _with_offsets(landmarks, offsets)
        for state, points in zip(states, found, strict=True):
            weight, jacobian, missing = _offset_equations(shifted, person, state, points)
            weighted = weight[:, None, None] * jacobian.mT  # [L, 3, 2]
            system += weighted @ jacobian
            wanted = missing[..., None] + jacobian @ offsets[..., None]  # [L, 2, 1]
            right += (weighted @ wanted)[..., 0]
        offsets = torch.linalg.solve(system, right)
        offsets[landmarks.index >= SKIN] = 0
    return _with_offsets(landmarks, offsets)


def _with_offsets(landmarks: LandmarkModel, offsets: Tensor) -> LandmarkModel:
    """The landmarks after offsets [L, 3] in head space."""
    points = landmarks.points
    return replace(landmarks, points=replace(points, mean=points.mean + offsets.to(points.mean)))


def _offset_equations(
    landmarks: LandmarkModel, person: Person, state: FrameState, found: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Weight [L] of each landmark in a frame, Jacobian [L, 2, 3] of its pixel by its position in
    head space, and residual [L, 2] in pixels."""
    placed = place(landmarks.points, person, state)
    depth = placed.camera[:, 2].double()
    expected = expected_pixels(landmarks, person, state, placed).double()
    missing = found[landmarks.index].double() - expected
    scale = person.focal / depth
    jitter = JITTER / SPREAD_SCALE * landmarks.spread.double() * scale
    far = missing.norm(dim=1) / jitter
    share = visible_share(landmarks.normals, state, placed).double()
    weight = share * (HUBER / far.clamp(min=HUBER)) / jitter**2 / OFFSETS_SHARED
    away = (placed.pixels.double() - torch.tensor(person.centre).double()) / depth[:, None]
    across = torch.cat([torch.eye(2).double() * scale[:, None, None], -away[..., None]], 2)
    return weight, across @ state.rotation.double(), missing
