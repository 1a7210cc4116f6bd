"""Who is on the photos, and how the head stands and what the face does on each.

Shift the skin of a fitted face to where its landmarks are seen.

What the modes of the shape space leave over is taken for a Gaussian process on the surface
(Rasmussen and Williams 2006, chapter 2): smooth, a few millimetres, and seen only across each view.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from avatar.heads.shape_space import PARTS
from avatar.photo.photograph import SeenPhoto
from avatar.rigging.avatar import pose
from avatar.tracking.landmarks import expected_pixels, landmark_model, visible_share
from avatar.tracking.model import FaceModel, FrameState, Person, face_model, rigid
from avatar.tracking.residuals import place
from avatar.tracking.solve import FocalPrior
from avatar.tracking.stages import UPRIGHT, solve_landmarks
from splat import Camera

MM = 1e-3
SPREADS = ((2.5 * MM, 30 * MM), (1.5 * MM, 10 * MM))  # deviation and reach of each of its parts
NOISE = 1.2 * MM  # of a landmark that is seen well
JAW = "jawOpen"
LEAST_SHARE = 0.15  # of visibility, for a landmark to count


def warped(
    model: FaceModel, person: Person, moments: Sequence[FrameState], found: Sequence[Tensor]
) -> Tensor:
    """The person's vertices [V, 3] at rest, shifted after landmarks [478, 2] of each photo."""
    rest = model.rest(person.shape).double()
    told = [_told(model, person, *each) for each in zip(moments, found, strict=True)]
    points, axes, values, noise = (torch.cat(part) for part in zip(*told, strict=True))
    system = _covariance(points, points) * (axes @ axes.T) + torch.diag(noise**2)
    strength = torch.linalg.solve(system, values)
    opened = rest + model.head.unit(JAW)
    places = torch.cat([_where(model, rest), _where(model, opened)], 1)
    shift = _covariance(places, points) @ (strength[:, None] * axes)
    return (rest + shift).float()


def _told(
    model: FaceModel, person: Person, moment: FrameState, found: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Points at rest and with an open jaw [O, 6], directions [O, 3] in head space, and by how much
    [O] metres a photo shows them further that way, with its deviation [O]."""
    landmarks = landmark_model(model)
    placed = place(landmarks.points, person, moment)
    share = visible_share(landmarks.normals, moment, placed)
    kept = (share > LEAST_SHARE).nonzero().squeeze(1)
    points = landmarks.points.of_person(person.shape).mean[kept].double()
    expected = expected_pixels(landmarks, person, moment, placed)
    off = (found[landmarks.index] - expected)[kept].double()
    gain = landmarks.person_gain[kept].double()
    metres = off * (placed.camera[kept, 2:].double() / person.focal / gain[:, None])
    axes = moment.rotation.double()[:2]  # camera x and y in head space
    each = NOISE / share[kept].double().sqrt() / gain
    jaw = landmarks.points.basis[kept, :, model.head.unit_names.index(JAW)].double()
    return (
        torch.cat([points, points + jaw], 1).repeat(2, 1),
        axes.repeat_interleave(len(kept), 0),
        metres.T.flatten(),
        each.repeat(2),
    )


def _covariance(one: Tensor, other: Tensor) -> Tensor:
    """Of places [N, 6] and [M, 6]: both lips touch at rest, but do not move together."""
    squared = torch.cdist(one, other) ** 2 / 2
    kernels = [size**2 * torch.exp(-squared / (2 * reach**2)) for size, reach in SPREADS]
    return sum(kernels[1:], kernels[0])


def _where(model: FaceModel, rest: Tensor) -> Tensor:
    """Where each vertex [V, 3] takes its shift from: what keeps its form, at its middle."""
    places = rest.clone()
    for part in PARTS:
        index = model.head.group_vertices(part)
        places[index] = rest[index].mean(0)
    return places


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
    rest = warped(solved.model, solved.person, solved.states, found)
    pairs = zip(photos, solved.states, strict=True)
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


def _placed(model: FaceModel, photo: SeenPhoto, moment: FrameState) -> FittedPhoto:
    to_camera = rigid(moment)
    pivot = model.head.pivot.double()
    torso = torch.eye(4, dtype=torch.float64)
    torso[:3, :3] = UPRIGHT.double() @ _shared_turn(UPRIGHT.double() @ to_camera[:3, :3])
    torso[:3, 3] = to_camera[:3, :3] @ pivot + to_camera[:3, 3] - torso[:3, :3] @ pivot
    (across, down), focal = photo.centre, photo.focal
    K = torch.tensor([[focal, 0, across], [0, focal, down], [0, 0, 1]])
    head_pose = (torch.linalg.inv(torso) @ to_camera).float()
    return FittedPhoto(photo, moment.weights, head_pose, Camera(torso.float(), K, *photo.size))
