"""Who is on the photos, and how the head stands and what the face does on each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from avatar.photo.seen import SeenPhoto
from avatar.photo.warp import warped
from avatar.rig.pose import pose
from avatar.tracking.begin import UPRIGHT
from avatar.tracking.model import FaceModel, face_model
from avatar.tracking.solve import FocalPrior
from avatar.tracking.stages import solve_landmarks
from avatar.tracking.state import Moment, Person, rigid
from splat import Camera

MODES = 20  # of the shape space: landmarks of one picture tell of no more
TOGETHER = math.radians(12)  # up to which a torso is taken to be turned with its head
UNIT_SPREAD = 0.4  # of a unit's weight, where there is one picture of an expression


@dataclass(frozen=True)
class FittedPhoto:
    """One photo in the world of the avatar's torso."""

    seen: SeenPhoto
    weights: Tensor  # [E] of the units
    head_pose: Tensor  # [4, 4] of the head over its torso
    camera: Camera

    def posed(self, rest: Tensor, model: FaceModel) -> Tensor:
        """The vertices [V, 3] of a person at rest as the photo shows them, in the world."""
        offsets = torch.einsum("e,evx->vx", self.weights.float(), model.units)
        return pose(rest + offsets, model.head, self.head_pose)

    @property
    def yaw(self) -> float:
        """Degrees that the head is turned to its left from the camera."""
        ahead = UPRIGHT @ self.camera.viewmat[:3, :3] @ self.head_pose[:3, 2]
        return float(torch.rad2deg(torch.atan2(ahead[0], ahead[2])))


@dataclass(frozen=True)
class Fitted:
    """The person at rest, and the photos."""

    model: FaceModel  # its units fitted to the person
    rest: Tensor  # [V, 3] head space
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
    model = replace(whole, modes=modes, precision=precision, unit_spread=UNIT_SPREAD)
    first = photos[0]
    person = Person(torch.zeros(MODES).double(), first.focal, first.centre)
    found = [_as_seen_by(first, photo) for photo in photos]
    solved = solve_landmarks(model, person, FocalPrior(first.focal), found, free_focal=False)
    rest = warped(solved.model, solved.person, solved.moments, found)
    pairs = zip(photos, solved.moments, strict=True)
    return Fitted(solved.model, rest, [_placed(model, photo, moment) for photo, moment in pairs])


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


def _placed(model: FaceModel, photo: SeenPhoto, moment: Moment) -> FittedPhoto:
    to_camera = rigid(moment)
    pivot = model.head.pivot.double()
    torso = torch.eye(4, dtype=torch.float64)
    torso[:3, :3] = UPRIGHT.double() @ _shared_turn(UPRIGHT.double() @ to_camera[:3, :3])
    torso[:3, 3] = to_camera[:3, :3] @ pivot + to_camera[:3, 3] - torso[:3, :3] @ pivot
    (across, down), focal = photo.centre, photo.focal
    K = torch.tensor([[focal, 0, across], [0, focal, down], [0, 0, 1]])
    head_pose = (torch.linalg.inv(torso) @ to_camera).float()
    return FittedPhoto(photo, moment.weights, head_pose, Camera(torso.float(), K, *photo.size))
