"""Render a whole capture into a folder: which cameras take which timestep for which split;
timesteps are drawn by several threads."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audio2mesh import probe_audio
from avatar.reconstruct.capture import SPLITS
from avatar.reconstruct.capture_writer import (
    PICTURES,
    frame_entry,
    picture_path,
    vertices_path,
    write_picture,
    write_rest,
    write_transforms,
)
from common.arrays import write_arrays
from common.claimed_folder import claim_folder, file_digest
from common.parallel import spread
from common.progress import progress_bar
from common.threads import use_threads
from research.captures.cameras import capture_cameras, held_out_cameras
from research.captures.motion import Timestep, acted
from research.captures.options import CaptureOptions, check_options
from research.captures.picture import Picture, draw
from research.captures.pose import pose_scene
from research.captures.scene import build_scene
from splat import Camera


def in_threads(draw: Callable[[int], int], pictures: Sequence[int]) -> int:
    """Call `draw` for each timestep, by all threads; returns the sum of what it returns.

    pictures: how many each timestep has.
    """
    drawn = 0
    with progress_bar("drawing", sum(pictures)) as done:
        for count, found in zip(pictures, spread(draw, range(len(pictures))), strict=True):
            drawn += found
            for _ in range(count):
                done()
    return drawn


NOT_IN_OPTIONS = ("out", "threads", "audio", "speech")  # not as such, or without effect


@dataclass(frozen=True)
class Made:
    """What was written."""

    pictures: int
    drawn: int  # of them, new in this run
    megabytes: float


def claim(options: CaptureOptions) -> None:
    """Make the folder, or see that it holds the same capture; InputError says what it holds.

    Raises as `probe_audio` does where the voice is no recording.
    """
    if options.voice is not None:
        probe_audio(options.voice)
    wanted = {k: v for k, v in asdict(options).items() if k not in NOT_IN_OPTIONS}
    voice = options.voice
    wanted["voice"] = None if voice is None else file_digest(voice)
    claim_folder(options.out, wanted, "capture")
    for name in (*PICTURES.values(), "vertices"):
        (options.out / name).mkdir(exist_ok=True)


def made(out: Path, pictures: int, drawn: int) -> Made:
    """What a folder holds at the end."""
    files = [path for path in out.rglob("*") if path.is_file()]
    return Made(pictures, drawn, sum(path.stat().st_size for path in files) / 1e6)


def make_capture(options: CaptureOptions) -> Made:
    """Render the capture, or the rest of it where an earlier run was interrupted.

    Raises InputError, FileNotFoundError or OSError with one sentence for what cannot be made.
    """
    check_options(options)
    use_threads(options.threads)
    claim(options)
    out, scene = options.out, build_scene(options.seed)
    counts = (options.timestep_count, options.held_out_timesteps)
    timesteps = acted(scene.head, scene.units, scene.rest, counts, options.voice, options.seed)
    cameras = capture_cameras(options.cameras, *options.size, options.seed)

    def draw_missing(index: int) -> int:
        missing = [number for number in range(len(cameras)) if not is_drawn(out, index, number)]
        if missing:
            surface = pose_scene(scene, timesteps[index].offsets, timesteps[index].head_pose)
            for number in missing:
                write_pictures(out, index, number, draw(surface, cameras[number], np.ones(3)))
        return len(missing)

    views = [len(cameras)] * len(timesteps)
    drawn = in_threads(draw_missing, views)
    write_rest(out, scene.rest, scene.head)
    for index, timestep in enumerate(timesteps):
        vertices = timestep.vertices.astype(np.float32)
        write_arrays(out / vertices_path(index), {"vertices": vertices})
    write_transforms(out, _splits(timesteps, cameras))
    return made(out, sum(views), drawn)


def is_drawn(out: Path, timestep: int, camera: int) -> bool:
    """Whether a picture is there, with its mask and its regions."""
    return all((out / picture_path(key, timestep, camera)).is_file() for key in PICTURES)


def write_pictures(out: Path, timestep: int, camera: int, picture: Picture) -> None:
    """Write a picture, its mask and its regions."""
    parts = (picture.colour, picture.mask, picture.regions)
    for key, part in zip(PICTURES, parts, strict=True):
        write_picture(out / picture_path(key, timestep, camera), part)


def _splits(
    timesteps: Sequence[Timestep], cameras: Sequence[Camera]
) -> dict[str, list[dict[str, Any]]]:
    """The frames of each split: train, held-out cameras, held-out sequences."""
    held = held_out_cameras(len(cameras))
    frames: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    for index, timestep in enumerate(timesteps):
        for number, camera in enumerate(cameras):
            split = "test" if timestep.held_out else "val" if number in held else "train"
            frames[split].append(frame_entry(index, number, camera, timestep.sequence))
    return frames
