"""A tracked film as its camera has it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar.avatar_io.motion_file import motion_chunks, open_motion
from avatar.behaviour.gaze import gaze_degrees
from avatar.geometry.vectors import Bools, Floats
from avatar.heads import Head, load_head
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_reader import open_capture
from common.arrays import Arrays, read_arrays
from common.errors import InputError

EYES = ("l-eye", "r-eye")
BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")
SHUT_EYES = 0.5  # weight of a blink from which nobody can tell where the eyes look


@dataclass(frozen=True)
class Track:
    """The motion of one film of F frames, in the axes of its camera (x right, y down, z away)."""

    vertices: Floats  # [F, V, 3] metres
    rest: Floats  # [V, 3]
    rotations: Floats  # [F, 3, 3] of the head, from its rest to the camera
    focal: float  # in widths of the picture
    centre: Floats  # [2] of the picture, in its widths
    gaze: Floats  # [F, eyes, 2] degrees
    eyes_open: Bools  # [F]

    def pixels(self, width: int) -> Floats:
        """Where the vertices [F, V, 2] are seen in a picture so many pixels wide."""
        x, y, z = np.moveaxis(self.vertices, -1, 0)
        return width * (self.focal * np.stack([x / z, y / z], -1) + self.centre)


def open_track(folder: Path) -> tuple[Track, Capture]:
    """Read the capture of one camera that a tracker, or make-capture --film, wrote.

    Raises FileNotFoundError or InputError that names the file and what is wrong.
    """
    capture = open_capture(folder)
    if capture.topology != "anny-head":
        raise InputError(f"{folder}: was tracked with {capture.topology}; only anny-head is known")
    return _track(folder, capture, load_head()), capture


def film_views(folder: Path, capture: Capture) -> list[View]:
    """The view of each frame. Raises InputError where there is not exactly one of each."""
    views = sorted((v for vs in capture.splits.values() for v in vs), key=lambda v: v.timestep)
    if [view.timestep for view in views] != list(range(len(capture.vertices))):
        raise InputError(
            f"{folder}: has several cameras; give the capture of a film, which has one"
        )
    return views


def _track(folder: Path, capture: Capture, head: Head) -> Track:
    views, path = film_views(folder, capture), folder / "motion.npz"
    motion, told = open_motion(path), read_arrays(path, leave="offsets")
    seen = _seen(path, told, len(motion.head_pose))
    if seen.sum() != len(views):
        raise InputError(f"{path}: has {seen.sum()} frames, but the capture has {len(views)}")
    poses = motion.head_pose.double().numpy()[seen, :3, :3]
    viewmats = np.stack([view.camera.viewmat.double().numpy() for view in views])
    camera, width = views[0].camera, views[0].camera.width
    local = capture.vertices.double().numpy() @ viewmats[:, :3, :3].mT + viewmats[:, None, :3, 3]
    offsets = np.concatenate([chunk.double().numpy() for chunk in motion_chunks(motion)])[seen]
    rest = motion.mesh.vertices.double().numpy()
    eyes = [head.group_vertices(name).numpy() for name in EYES]
    return Track(
        vertices=local,
        rest=capture.rest.double().numpy(),
        rotations=viewmats[:, :3, :3] @ poses,
        focal=float(camera.K[0, 0]) / width,
        centre=camera.K[:2, 2].double().numpy() / width,
        gaze=gaze_degrees(eyes, rest, offsets),
        eyes_open=_eyes_open(path, told, len(views)),
    )


def _seen(path: Path, arrays: Arrays, frames: int) -> Bools:
    """Which frames [F] of the motion show the face, as far as the file tells."""
    seen = arrays.get("seen", np.ones(frames, bool))
    if seen.shape != (frames,) or seen.dtype != bool:
        raise InputError(f"{path}: 'seen' does not tell of each of its {frames} frames")
    return seen


def _eyes_open(path: Path, arrays: Arrays, frames: int) -> Bools:
    """Which frames [F] show the eyes, as far as the file tells."""
    if "unit_weights" not in arrays or "unit_names" not in arrays:
        return np.ones(frames, bool)
    names = arrays["unit_names"].tolist()
    weights = arrays["unit_weights"]
    if weights.shape != (frames, len(names)) or not set(BLINKS) <= set(names):
        raise InputError(f"{path}: unit_weights and unit_names do not belong together")
    blinks = weights[:, [names.index(name) for name in BLINKS]]
    return blinks.max(axis=1) < SHUT_EYES
