"""A tracked film in the world of its mean torso, with one camera and a head that turns on its neck;
its performance relative to the person's neutral face; and its sound, synchronised with the lips.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from avatar.avatar_io.live_link import Take, sample_take
from avatar.geometry.rotations import head_angles
from avatar.heads.arkit import WEIGHTS
from avatar.lipreading.sound_delay import lips_delay
from avatar.rigging.avatar import pose
from avatar.tracking.model import FaceModel, FrameState, Person, rigid
from avatar.tracking.options import Sync
from avatar.tracking.smooth import MOUTH, named_units
from avatar.video.reader import film_info
from avatar.video.sound import Sound
from splat import Camera

HELD = ("jawOpen", "mouthClose", "tongueOut")  # not at rest in speech; closures must stay
TRACE = 0.08  # of a unit, at which its confidence is a half: less may be a neutral face's
MOST = 0.7  # of a unit that a face may have at rest
LOOKS = tuple(
    (f"eyeLook{there}{side}", f"eyeLook{back}{side}")
    for side in ("Left", "Right")
    for there, back in (("Up", "Down"), ("Out", "In"))
)


def impersonal(weights: Tensor) -> Tensor:
    """ARKit weights [F, 52] of a film relative to the person's neutral face.

    A face is at rest in most of its units most of the time, so the median of a unit is how the
    person looks at rest, and the median gaze is straight ahead. A weight of 1 stays 1.
    """
    names = list(WEIGHTS)
    moving = torch.tensor([name not in HELD for name in names])
    rest = weights.quantile(0.5, dim=0).clamp(max=MOST) * moving
    found = ((weights - rest) / (1 - rest)).clamp(0, 1)
    confidence = (1 + TRACE**4) * found**4 / (found**4 + TRACE**4)
    found = torch.where(moving, found * confidence, found)
    for pair in LOOKS:
        there, back = (names.index(name) for name in pair)
        angle = weights[:, there] - weights[:, back]
        angle = angle - angle.quantile(0.5)
        found[:, there], found[:, back] = angle.clamp(0, 1), (-angle).clamp(0, 1)
    return found


@dataclass(frozen=True)
class Tracking:
    """A person and their state in every tracked frame."""

    model: FaceModel
    person: Person  # in pixels of the pictures that are kept
    states: list[FrameState]
    frames: Tensor  # [F] which frames of the film those are, ascending
    fps: float
    size: tuple[int, int]  # pixels across and down of the pictures that are kept
    mouth: Tensor | None = None
    """[F, E] weights of mouth and jaw that move the mean head as the person's, where known"""

    @property
    def rest(self) -> Tensor:
        """The person's mesh [V, 3] at rest, in head space."""
        return self.model.rest(self.person.shape)

    @property
    def weights(self) -> Tensor:
        """[F, E] of the units."""
        return torch.stack([one.weights for one in self.states]).float()

    def offsets(self, row: int) -> Tensor:
        """[V, 3] what the face of a frame adds to the mesh at rest, in head space."""
        return self.model.offsets(self.states[row].weights)


def torso(tracking: Tracking) -> Tensor:
    """From head space to camera space [4, 4] for a head that looks as it does on average, its
    pivot where that is on average."""
    matrices = torch.stack([rigid(one) for one in tracking.states])  # [F, 4, 4]
    mean = np.array(Rotation.from_matrix(matrices[:, :3, :3].numpy()).mean().as_matrix())
    rotation = torch.from_numpy(mean)
    pivot = tracking.model.head.pivot.double()
    where = (matrices[:, :3, :3] @ pivot + matrices[:, :3, 3]).mean(0)
    found = torch.eye(4, dtype=torch.float64)
    found[:3, :3], found[:3, 3] = rotation, where - rotation @ pivot
    return found


def head_poses(tracking: Tracking) -> Tensor:
    """Rigid motions [F, 4, 4] of the head over its still torso."""
    back = torch.linalg.inv(torso(tracking))
    return torch.stack([back @ rigid(one) for one in tracking.states]).float()


def camera(tracking: Tracking) -> Camera:
    """The film's camera, in the world of the torso."""
    person = tracking.person
    across, down = person.centre
    K = torch.tensor([[person.focal, 0, across], [0, person.focal, down], [0, 0, 1]])
    return Camera(torso(tracking).float(), K, *tracking.size)


def world_vertices(tracking: Tracking, row: int, head_pose: Tensor, torso_motion: Tensor) -> Tensor:
    """[V, 3] of a frame, the neck blending into a torso that has moved by `torso_motion` [4, 4]."""
    mesh = tracking.rest + tracking.offsets(row)
    local = pose(mesh, tracking.model.head, torch.linalg.inv(torso_motion) @ head_pose)
    return local @ torso_motion[:3, :3].T + torso_motion[:3, 3]


def take_of(tracking: Tracking) -> Take:
    """The performance alone, without the person: 52 ARKit weights and the head's angles, from the
    first frame that shows the face."""
    names = tracking.model.head.unit_names
    columns = [names.index(name) for name in WEIGHTS]
    times = (tracking.frames - tracking.frames[0]).double().numpy() / tracking.fps
    angles = head_angles(head_poses(tracking)).double().numpy()
    weights = torch.empty_like(tracking.weights)
    weights[:, columns] = impersonal(tracking.weights[:, columns])
    mouth = named_units(tracking.model, MOUTH)
    if tracking.mouth is not None:
        weights[:, mouth] = tracking.mouth[:, mouth].to(weights)
    return Take(times, weights[:, columns].double().numpy(), angles)


SLIGHT = 0.04  # seconds: a delay below is not noticed


@dataclass(frozen=True)
class TrackedSound:
    """The sound of the tracked frames, and a description of its synchronisation."""

    sound: Sound | None
    words: str


def tracked_sound(film: Path, tracking: Tracking, sync: Sync) -> TrackedSound:
    """The sound of a film from the first tracked frame on.

    sync: milliseconds by which it is moved, later where more than 0; auto: as estimated
    from the lips, where that is reliable.
    """
    sound_begin = film_info(film).sound_begin
    if sound_begin is None:
        return TrackedSound(None, "no sound")
    sound = Sound(film, float(tracking.frames[0]) / tracking.fps - sound_begin)
    if sync != "auto":
        return TrackedSound(_moved(sound, sync / 1000), f"sound moved by {sync:g} ms")
    found = lips_delay(sample_take(take_of(tracking), tracking.fps)[0], tracking.fps, sound)
    if found is None or not found.sure:
        return TrackedSound(
            sound, "sound left as it is: the lips do not tell whether it is late; --sync moves it"
        )
    if abs(found.seconds) < SLIGHT:
        return TrackedSound(sound, "sound in step with the lips")
    late = "behind" if found.seconds < 0 else "ahead of"
    by = f"{1000 * abs(found.seconds):.0f} ms"
    repaired = f"sound {by} {late} the picture: repaired (--sync {1000 * found.seconds:.0f})"
    return TrackedSound(_moved(sound, found.seconds), repaired)


def _moved(sound: Sound, seconds: float) -> Sound:
    """The same sound, heard later."""
    return Sound(sound.path, sound.begin - seconds)
