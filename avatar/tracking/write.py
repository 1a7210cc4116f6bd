"""A tracked film on disk: a capture for reconstruction, its motion and a film for checking."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import Tensor

from avatar.avatar_io.live_link import sample_take, write_take
from avatar.avatar_io.motion_file import SavedMotion, motion_writer
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Ints
from avatar.heads.arkit import WEIGHTS
from avatar.heads.flame_parameters import frame_parameters, still, write_flame_parameters
from avatar.heads.head import FLAME_TEETH, SIZES
from avatar.reconstruct.capture import FLAME_CANONICAL
from avatar.reconstruct.capture_writer import (
    flame_path,
    frame_entry,
    picture_path,
    vertices_path,
    write_picture,
    write_rest,
    write_transforms,
)
from avatar.tracking.flame_fit import FlamePerson, flame_frames
from avatar.tracking.frames import read_kept
from avatar.tracking.regions import Bytes, overlay, region_map, seen_parts, triangle_labels
from avatar.tracking.result import Tracking, camera, head_poses, take_of, world_vertices
from avatar.tracking.torso_motion import find_torso_motion
from avatar.video.sound import Sound
from avatar.video.writer import open_writer
from common.arrays import write_arrays
from common.parallel import spread
from common.pixels import as_bytes
from common.progress import progress_bar

TAKE, MOTION, OVERLAY = "take.csv", "motion.npz", "overlay.mp4"


def write_tracking(
    tracking: Tracking,
    out: Path,
    listen: Callable[[], Sound | None],
    held_out: float,
    flame: FlamePerson | None = None,
) -> str:
    """Write everything but the pictures and masks, which are there already; transforms_*.json are
    last.

    listen: gives the sound, from the first frame on, once meshes and motion are written; held_out:
    share of the frames, at the end, that are for testing; flame: the person, where FLAME's
    parameters are wanted in place of vertices. Where the face is lost the overlay is held, so
    that its sound stays in sync. Returns a remark on the fit, or nothing.
    """
    poses = head_poses(tracking)
    torso_motions = find_torso_motion(tracking, out, poses)
    said = ""
    if flame is None:
        _write_meshes(tracking, out, poses, torso_motions)
    else:
        said = _write_flame(tracking, out, flame, poses, torso_motions)
    write_performance(tracking, out, poses)
    _write_overlay(tracking, out, listen(), poses, torso_motions)
    _write_splits(tracking, out, held_out, flame is not None)
    return said


def _write_overlay(
    tracking: Tracking, out: Path, sound: Sound | None, poses: Tensor, torso_motions: Tensor
) -> None:
    """The regions of every frame, and the film to check the tracking by."""
    head, view, numbers = tracking.model.head, camera(tracking), tracking.frames.tolist()
    triangles, lasts = triangle_labels(head), np.bincount(held_rows(tracking.frames))
    width, height = tracking.size

    def drawn(row: int) -> Bytes:
        vertices = world_vertices(tracking, row, poses[row], torso_motions[row])
        picture, person, hair = read_kept(out, numbers[row])
        seen = seen_parts(view, head, vertices)
        labels = region_map(seen, triangles, person, hair)
        write_picture(out / picture_path("region_path", numbers[row], 0), labels)
        over = overlay(picture, seen, head, triangles, view, vertices)
        return np.concatenate([as_bytes(picture.numpy()), over], axis=1)

    with (
        open_writer(out / OVERLAY, 2 * width, height, tracking.fps, sound) as show,
        progress_bar("writing", len(lasts)) as done,
    ):
        for picture, count in zip(spread(drawn, range(len(lasts))), lasts, strict=True):
            for _ in range(count):
                show(picture)
            done()


def _write_meshes(tracking: Tracking, out: Path, poses: Tensor, torso_motions: Tensor) -> None:
    """anny-head's vertices at rest and in every frame."""
    (out / "vertices").mkdir(exist_ok=True)
    write_rest(out, tracking.rest, tracking.model.head)

    def write(row: int) -> None:
        vertices = world_vertices(tracking, row, poses[row], torso_motions[row])
        path = out / vertices_path(int(tracking.frames[row]))
        write_arrays(path, {"vertices": vertices.numpy()})

    for _ in spread(write, range(len(tracking.frames))):
        pass


def _write_flame(
    tracking: Tracking, out: Path, person: FlamePerson, poses: Tensor, torso_motions: Tensor
) -> str:
    """FLAME's parameters at rest and in every frame; returns a remark on the fit."""
    found, lips_mm = flame_frames(person, tracking, poses, torso_motions)
    (out / "flame_param").mkdir(exist_ok=True)
    size = SIZES[FLAME_TEETH][0]
    write_flame_parameters(out / FLAME_CANONICAL, still(person.shape, None), size)
    for row, number in enumerate(tracking.frames.tolist()):
        write_flame_parameters(out / flame_path(number), frame_parameters(found, row), size)
    return f"FLAME's skin lies {person.residual_mm:.1f} mm off, its lips move {lips_mm:.1f} mm off"


def held_rows(frames: Tensor) -> Ints:
    """For each frame of the film from the first [F] to the last, the row of that
    frame, or of the last before it with a face."""
    every = np.arange(int(frames[0]), int(frames[-1]) + 1)
    return np.searchsorted(frames.numpy(), every, side="right") - 1


def write_performance(tracking: Tracking, out: Path, poses: Tensor) -> None:
    """The take and the motion. Where the face is lost the mesh is held, and `seen` is
    false."""
    weights, angles = sample_take(take_of(tracking), tracking.fps)
    assert weights.shape[1] == len(WEIGHTS)
    write_take(out / TAKE, weights.numpy(), angles.numpy(), tracking.fps)
    head, rows = tracking.model.head, held_rows(tracking.frames)
    mesh = Mesh(tracking.rest, head.faces)
    motion = SavedMotion(out / MOTION, mesh, head.topology, tracking.fps, poses[rows])
    seen = np.diff(rows, prepend=-1) > 0
    with motion_writer(motion, head.regions, {"seen": seen}) as append:
        for row in rows.tolist():
            append(tracking.offsets(row).numpy())


def _write_splits(tracking: Tracking, out: Path, held_out: float, flame: bool) -> None:
    view = camera(tracking)
    numbers = tracking.frames.tolist()
    kept = len(numbers) - round(held_out * len(numbers))
    entries = [frame_entry(number, 0, view, "film", flame) for number in numbers]
    write_transforms(out, {"train": entries[:kept], "val": [], "test": entries[kept:]})
