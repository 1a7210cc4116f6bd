"""A tracked film on disk: the capture that reconstruction reads, the motion, a film to check it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import Tensor

from avatar.arkit import WEIGHTS
from avatar.arkit.live_link import write_take
from avatar.arkit.play import sample_take
from avatar.capture.meshes import CANONICAL
from avatar.capture.write import (
    frame_entry,
    picture_path,
    vertices_path,
    write_picture,
    write_transforms,
)
from avatar.files.motion_file import SavedMotion, motion_writer
from avatar.film.audio_track import Sound
from avatar.film.video import as_bytes, open_writer
from avatar.mesh import Mesh
from avatar.tracking.film import read_kept
from avatar.tracking.regions import Bytes, overlay, region_map, seen_parts
from avatar.tracking.result import Tracking, camera, head_poses, take_of, world_vertices
from avatar.tracking.sways import find_sways
from common.arrays import write_arrays
from common.parallel import spread
from common.progress import progress_bar

TAKE, MOTION, OVERLAY = "take.csv", "motion.npz", "overlay.mp4"


def write_tracking(tracking: Tracking, out: Path, sound: Sound | None, held_out: float) -> None:
    """Write everything but the pictures and masks, which lie there; transforms_*.json are last.

    sound: from the first frame on; held_out: share of the frames, at the end, that are for testing.
    Where the face is lost the overlay stands still, so that its sound stays in step.
    """
    head, poses = tracking.model.head, head_poses(tracking)
    sways = find_sways(tracking, out, poses)
    (out / "vertices").mkdir(exist_ok=True)
    canonical = {"rest": tracking.rest.numpy(), "faces": head.faces.numpy().astype(np.int32)}
    write_arrays(out / CANONICAL, {**canonical, "topology": np.array(head.topology)})
    width, height = tracking.size
    with (
        open_writer(out / OVERLAY, 2 * width, height, tracking.fps, sound) as show,
        progress_bar("writing", len(tracking.moments)) as done,
    ):
        write = _frame_writer(tracking, out, poses, sways)
        lasts = np.diff(tracking.frames, append=tracking.frames[-1] + 1)  # frames of the film
        for shown, count in zip(spread(write, range(len(lasts))), lasts, strict=True):
            for _ in range(count):
                show(shown)
            done()
    _write_motion(tracking, out, poses)
    _write_splits(tracking, out, held_out)


def _frame_writer(
    tracking: Tracking, out: Path, poses: Tensor, sways: Tensor
) -> Callable[[int], Bytes]:
    """What writes the mesh and the regions of a frame, and returns what the film shows of it."""
    head, view, numbers = tracking.model.head, camera(tracking), tracking.frames.tolist()

    def write(row: int) -> Bytes:
        number = numbers[row]
        vertices = world_vertices(tracking, row, poses[row], sways[row])
        write_arrays(out / vertices_path(number), {"vertices": vertices.numpy()})
        picture, person, hair = read_kept(out, number)
        seen = seen_parts(view, head, vertices)
        labels = region_map(seen, head, person, hair)
        write_picture(out / picture_path("region_path", number, 0), labels)
        over = overlay(picture, seen, head, view, vertices)
        return np.concatenate([as_bytes(picture.numpy()), over], axis=1)

    return write


def _write_motion(tracking: Tracking, out: Path, poses: Tensor) -> None:
    weights, angles = sample_take(take_of(tracking), tracking.fps)
    assert weights.shape[1] == len(WEIGHTS)
    write_take(out / TAKE, weights.numpy(), angles.numpy(), tracking.fps)
    head = tracking.model.head
    mesh = Mesh(tracking.rest, head.faces)
    motion = SavedMotion(out / MOTION, mesh, head.topology, tracking.fps, poses)
    with motion_writer(motion, head.regions) as append:
        for row in range(len(tracking.moments)):
            append(tracking.offsets(row).numpy())


def _write_splits(tracking: Tracking, out: Path, held_out: float) -> None:
    view = camera(tracking)
    numbers = tracking.frames.tolist()
    kept = len(numbers) - round(held_out * len(numbers))
    entries = [frame_entry(number, 0, view, "film") for number in numbers]
    write_transforms(out, {"train": entries[:kept], "val": [], "test": entries[kept:]})
