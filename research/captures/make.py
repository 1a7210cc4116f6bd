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
from research.captures.scene import Scene, build_scene
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


@dataclass(frozen=True)
class CaptureSetup:
    """Everything that is drawn, and by whom it is seen."""

    scene: Scene
    timesteps: Sequence[Timestep]
    cameras: Sequence[Camera]


def make_capture(options: CaptureOptions) -> Made:
    """Render the capture, or the rest of it where an earlier run was interrupted.

    Raises InputError, FileNotFoundError or OSError with one sentence for what cannot be made.
    """
    check_options(options)
    use_threads(options.threads)
    claim(options)
    stage, out = _set_up(options), options.out
    views = [len(stage.cameras)] * len(stage.timesteps)
    drawn = in_threads(lambda index: _draw_timestep(out, stage, index), views)
    write_rest(out, stage.scene)
    for index, timestep in enumerate(stage.timesteps):
        vertices = timestep.vertices.astype(np.float32)
        write_arrays(out / vertices_path(index), {"vertices": vertices})
    write_transforms(out, _splits(stage))
    return made(out, sum(views), drawn)


def _set_up(options: CaptureOptions) -> CaptureSetup:
    scene = build_scene(options.seed)
    counts = (options.timestep_count, options.held_out_timesteps)
    timesteps = acted(scene.head, scene.units, scene.rest, counts, options.voice, options.seed)
    cameras = capture_cameras(options.cameras, *options.size, options.seed)
    return CaptureSetup(scene, timesteps, cameras)


def _draw_timestep(out: Path, stage: CaptureSetup, index: int) -> int:
    """Draw one timestep for all cameras that lack it."""
    missing = [number for number in range(len(stage.cameras)) if not is_drawn(out, index, number)]
    if not missing:
        return 0
    timestep = stage.timesteps[index]
    surface = pose_scene(stage.scene, timestep.offsets, timestep.head_pose)
    for number in missing:
        write_pictures(out, index, number, draw(surface, stage.cameras[number], np.ones(3)))
    return len(missing)


def is_drawn(out: Path, timestep: int, camera: int) -> bool:
    """Whether a picture is there, with its mask and its regions."""
    return all((out / picture_path(key, timestep, camera)).is_file() for key in PICTURES)


def write_pictures(out: Path, timestep: int, camera: int, picture: Picture) -> None:
    """Write a picture, its mask and its regions."""
    parts = (picture.colour, picture.mask, picture.regions)
    for key, part in zip(PICTURES, parts, strict=True):
        write_picture(out / picture_path(key, timestep, camera), part)


def write_rest(out: Path, scene: Scene) -> None:
    """Write the resting mesh of the subject."""
    write_arrays(
        out / "canonical_mesh.npz",
        {
            "rest": scene.rest.numpy(),
            "faces": scene.head.faces.numpy().astype(np.int32),
            "topology": np.array(scene.head.topology),
        },
    )


def _splits(stage: CaptureSetup) -> dict[str, list[dict[str, Any]]]:
    """The frames of each split: train, held-out cameras, held-out sequences."""
    held = held_out_cameras(len(stage.cameras))
    frames: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    for index, timestep in enumerate(stage.timesteps):
        for number, camera in enumerate(stage.cameras):
            split = "test" if timestep.held_out else "val" if number in held else "train"
            frames[split].append(frame_entry(index, number, camera, timestep.sequence))
    return frames
