"""Fit one person to photos: the shape at rest, and head pose and expression on each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.optimize import lsq_linear
from scipy.spatial.transform import Rotation
from torch import Tensor

from avatar.geometry.vectors import MM, Floats
from avatar.geometry.zbuffer import project
from avatar.heads.head import sealed
from avatar.photo.landmark_warp import landmark_shifts, warped
from avatar.photo.outline import OutlineView, ears_seen, to_outline
from avatar.photo.photograph import SeenPhoto
from avatar.rigging.avatar import pose
from avatar.tracking.landmarks import (
    EYES,
    LIPS,
    SKIN_POINTS,
    skin_points,
    upright_axes,
)
from avatar.tracking.lip_edges import meeting_points
from avatar.tracking.model import FaceModel, FrameState, Person, face_model, rigid
from avatar.tracking.silhouette import SeenEar
from avatar.tracking.smooth import MOUTH, named_units
from avatar.tracking.solve import FocalPrior
from avatar.tracking.stages import UPRIGHT, Solved, solve_landmarks
from splat import Camera

MODES = 20  # of the shape space: landmarks of one picture determine no more
TOGETHER = math.radians(12)  # up to which a torso is taken to be turned with its head
UNIT_SPREAD = 0.4  # of a unit's weight, where there is one picture of an expression
MOST_ASIDE = math.radians(20)  # of a face, for the height of its ears to tell its pitch
PITCH_SPREAD = math.radians(6)  # of people who have their photo taken


@dataclass(frozen=True)
class FittedPhoto:
    """One photo in the world of the avatar's torso."""

    seen: SeenPhoto
    weights: Tensor  # [E] of the units
    head_pose: Tensor  # [4, 4] of the head over its torso
    camera: Camera

    def posed(self, rest: Tensor, model: FaceModel) -> Tensor:
        """The vertices [V, 3] of a person at rest as the photo shows them, in the world."""
        return pose(rest + model.offsets(self.weights), model.head, self.head_pose)

    @property
    def yaw(self) -> float:
        """Degrees that the head is turned to its left from the camera."""
        ahead = UPRIGHT @ self.camera.viewmat[:3, :3] @ self.head_pose[:3, 2]
        return float(torch.rad2deg(torch.atan2(ahead[0], ahead[2])))


@dataclass(frozen=True)
class Fitted:
    """The person at rest, and the photos."""

    model: FaceModel  # its units fitted to the person
    rest: Tensor  # [V, 3] head space, the lips sealed
    photos: list[FittedPhoto]

    def posed(self, units: Tensor) -> list[Tensor]:
        """The vertices [V, 3] as each photo shows them, by units [E, V, 3] of this very person."""
        model = replace(self.model, units=units)
        return [photo.posed(self.rest, model) for photo in self.photos]


def fit(photos: Sequence[SeenPhoto]) -> Fitted:
    """One person on all photos, from their landmarks.

    All are brought to the camera of the first: its rays are what the solver shares.
    """
    whole = face_model()
    modes, precision = whole.modes[:MODES], whole.precision[:MODES]
    model = replace(
        whole,
        modes=modes,
        precision=precision,
        unit_spread=UNIT_SPREAD,
        pitch_spread=PITCH_SPREAD,
    )
    photos = [photo if photo.focal_known else with_focal(model, photo) for photo in photos]
    first = photos[0]
    found = [_as_seen_by(first, photo) for photo in photos]
    solved = _solved(model, first, found)
    ears = _ears(solved, photos)
    if any(ears):
        solved = _solved(model, first, found, ears)
    shape = warped(solved.model, solved.person, solved.states, found)
    rest = torch.from_numpy(sealed(model.head, shape.numpy())).float()
    placed = [_placed(model, *each) for each in zip(photos, solved.states, strict=True)]
    lidded = [with_lids(solved.model, rest, each) for each in placed]
    return Fitted(solved.model, rest, [with_lips(solved.model, rest, each) for each in lidded])


def _ears(solved: Solved, photos: Sequence[SeenPhoto]) -> list[list[SeenEar]]:
    """The ears that each photo from the front shows."""
    found: list[list[SeenEar]] = []
    for photo, state in zip(photos, solved.states, strict=True):
        ahead = -float(state.rotation[2, 2]) > math.cos(MOST_ASIDE)
        view = _outline_view(solved.model, photo, rigid(state), state.weights)
        found.append(ears_seen(solved.model, solved.person, state, view) if ahead else [])
    return found


def with_outline(fitted: Fitted) -> Fitted:
    """The same with skull and ears as the outline of the person in each photo asks."""
    views = [
        _outline_view(
            fitted.model, photo.seen, photo.camera.viewmat @ photo.head_pose, photo.weights
        )
        for photo in fitted.photos
    ]
    return replace(fitted, rest=to_outline(fitted.model, fitted.rest, views))


def _outline_view(
    model: FaceModel, photo: SeenPhoto, to_camera: Tensor, weights: Tensor
) -> OutlineView:
    camera = Camera(to_camera.float(), photo.K, *photo.size)
    return OutlineView(photo.person, photo.hair, photo.points, camera, model.offsets(weights))


NEARNESSES = np.linspace(0.2, 3.4, 9)  # one over metres of distance, that are tried
NEAREST, FURTHEST = 2.5, 0.4  # that are believed
PERSPECTIVE = (-0.36, 1.05)
"""True nearness by that of the landmarks: a line through heads of people/ at 0.45, 0.9 and 1.8 m,
whose landmarks show too little perspective where it is strong, and too much where it is weak."""


def with_focal(model: FaceModel, photo: SeenPhoto) -> SeenPhoto:
    """The photo with the focal length, and so the distance, that its landmarks fit best."""
    start, _ = _nearness_and_misfit(model, photo)
    focals = photo.focal * start / NEARNESSES
    tried = [_nearness_and_misfit(model, replace(photo, focal=float(f))) for f in focals]
    nearness, misfits = np.array(tried).T
    fine = np.linspace(NEARNESSES[0], NEARNESSES[-1], 1000)
    best = fine[CubicSpline(NEARNESSES, misfits)(fine).argmin()]
    apparent = np.interp(best, NEARNESSES, nearness)
    offset, slope = PERSPECTIVE
    near = min(max(offset + slope * apparent, FURTHEST), NEAREST)
    return replace(photo, focal=float(photo.focal * start / near))


def _nearness_and_misfit(model: FaceModel, photo: SeenPhoto) -> tuple[float, float]:
    """One over the head's distance in metres, and how badly its landmarks are met, squared."""
    solved = _solved(model, photo, [photo.points])
    frame = solved.states[0]
    _, _, off, noise = landmark_shifts(solved.model, solved.person, frame, photo.points)
    return 1 / float(frame.translation[2]), float((off / noise).square().sum())


def _solved(
    model: FaceModel,
    photo: SeenPhoto,
    found: Sequence[Tensor],
    ears: Sequence[Sequence[SeenEar]] | None = None,
) -> Solved:
    """The person and the poses of landmarks [478, 2] that the camera of a photo sees, and of ears
    that each shows."""
    person, prior = Person(torch.zeros(MODES).double(), photo.focal, photo.centre), photo.focal
    return solve_landmarks(model, person, FocalPrior(prior), found, free_focal=False, ears=ears)


LID_UNITS = ("eyeBlink", "eyeSquint", "eyeWide")
LIDS = (EYES[:16], EYES[16:])  # landmarks around both open eyes, the right one first
LID_RIDGE, LIP_RIDGE = 1 * MM, 3 * MM
UNIT_STEP = 0.05  # of a unit, by which its effect on the landmarks is measured
SLACK = 1e-9  # bounds must differ


def with_lids(model: FaceModel, rest: Tensor, photo: FittedPhoto) -> FittedPhoto:
    """The photo with lids where their landmarks are found: the errors that the network makes on
    blinks are not those on eyes that are open, which it finds as they are."""
    for side, lids in zip(("Right", "Left"), LIDS, strict=True):
        units = [model.head.unit_names.index(name + side) for name in LID_UNITS]
        weights = photo.weights.clone()
        weights[units] = 0
        photo = with_units(model, rest, replace(photo, weights=weights), units, lids, LID_RIDGE)
    return photo


def with_lips(model: FaceModel, rest: Tensor, photo: FittedPhoto) -> FittedPhoto:
    """The photo with lips, sealed at rest, as far apart as their landmarks are found."""
    up = upright_axes(photo.camera.viewmat[:3, :3] @ photo.head_pose[:3, :3])[1]
    metre = float(photo.camera.K[0, 0]) / _distance(photo, rest)
    points = meeting_points(photo.seen.points, up, metre)
    meeting = replace(photo, seen=replace(photo.seen, points=points))
    units = named_units(model, MOUTH).tolist()
    weights = with_units(model, rest, meeting, units, LIPS, LIP_RIDGE).weights
    return replace(photo, weights=weights)


def with_units(
    model: FaceModel,
    rest: Tensor,
    photo: FittedPhoto,
    units: list[int],
    landmarks: Sequence[int],
    ridge: float,
) -> FittedPhoto:
    """The photo with some units changed, by bounded least squares, so that landmarks are where they
    were found; ridge: metres by which one must be better for a unit's whole weight."""
    weights, alone = photo.weights, torch.eye(len(photo.weights))  # each unit's whole weight
    rows = [SKIN_POINTS.index(number) for number in landmarks]

    def shown(change: Tensor) -> Floats:
        """Pixels [L, 2] of the landmarks with other weights."""
        posed = replace(photo, weights=change).posed(rest, model).double()
        return project(photo.camera, skin_points(model.head, posed)[rows])[0].numpy()

    start, found = shown(weights), photo.seen.points[list(landmarks)].double().numpy()
    steps = [shown(weights + UNIT_STEP * alone[unit]) - start for unit in units]
    slopes = np.stack([step.ravel() for step in steps], 1) / UNIT_STEP
    pixel = ridge * float(photo.camera.K[0, 0]) / _distance(photo, rest)
    system = np.concatenate([slopes, pixel * np.eye(len(units))])
    wanted = np.append((found - start).ravel(), np.zeros(len(units)))
    now = weights[units].double().numpy().clip(0, 1)
    change = lsq_linear(system, wanted, (-now - SLACK, 1 - now + SLACK)).x
    solved = weights.clone()
    solved[units] = torch.from_numpy((now + change).clip(0, 1)).to(weights)
    return replace(photo, weights=solved)


def _distance(photo: FittedPhoto, rest: Tensor) -> float:
    """Metres from the camera to the head."""
    return float((photo.camera.viewmat[2, :3] @ rest.mean(0)) + photo.camera.viewmat[2, 3])


def _as_seen_by(first: SeenPhoto, photo: SeenPhoto) -> Tensor:
    """Landmarks [478, 2] of a photo where the camera of the first would have seen them."""
    rays = (photo.points - torch.tensor(photo.centre)) / photo.focal
    return rays * first.focal + torch.tensor(first.centre)


def _shared_turn(head: Tensor) -> Tensor:
    """How the torso is turned [3, 3] under a turned head [3, 3]: with it, but no further than
    TOGETHER, so that small turns move no hair or collar against the shoulders."""
    turn = Rotation.from_matrix(head.numpy())
    share = min(1.0, TOGETHER / max(float(turn.magnitude()), 1e-9))
    return torch.from_numpy(Rotation.from_rotvec(turn.as_rotvec() * share).as_matrix())


def _placed(model: FaceModel, photo: SeenPhoto, frame: FrameState) -> FittedPhoto:
    to_camera = rigid(frame)
    pivot = model.head.pivot.double()
    torso = torch.eye(4, dtype=torch.float64)
    torso[:3, :3] = UPRIGHT.double() @ _shared_turn(UPRIGHT.double() @ to_camera[:3, :3])
    torso[:3, 3] = to_camera[:3, :3] @ pivot + to_camera[:3, 3] - torso[:3, :3] @ pivot
    head_pose = (torch.linalg.inv(torso) @ to_camera).float()
    camera = Camera(torso.float(), photo.K, *photo.size)
    return FittedPhoto(photo, frame.weights, head_pose, camera)
