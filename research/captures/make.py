"""Render a whole capture into a folder: which cameras take which timestep under which light, for
which split; timesteps are drawn by several threads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from audio2mesh import probe_audio
from avatar.reconstruct.capture import RELIGHT, SPLITS
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
from research.captures.cameras import (
    capture_cameras,
    held_out_cameras,
)
from research.captures.light import HELD_OUT, capture_light, training_lights
from research.captures.motion import Timestep, acted
from research.captures.options import CaptureOptions, check_options
from research.captures.picture import draw
from research.captures.pose import pose_scene
from research.captures.scene import Scene, build_scene
from splat import Camera

RELIT = 4  # timesteps of training that each held-out light shows again


@dataclass(frozen=True)
class Shot:
    """One timestep under one light."""

    timestep: Timestep
    light: str | None  # in words; None for the usual one
    splits: tuple[str | None, ...]  # of each camera's picture; None where it takes none

    @property
    def cameras(self) -> list[int]:
        """Those that take a picture."""
        return [number for number, split in enumerate(self.splits) if split is not None]


def shots(timesteps: Sequence[Timestep], cameras: int, lights: int, seed: int) -> list[Shot]:
    """All timesteps of a capture, under `lights` lights in turn; 0 for the usual one alone.

    After them some of those for training once more, for held-out cameras alone, under lights that
    are not among those.
    """
    held = held_out_cameras(cameras)
    taken = [Shot(step, None, _shots_splits(step, cameras, held)) for step in timesteps]
    if not lights:
        return taken
    words = training_lights(lights, seed)
    taken = [
        Shot(shot.timestep, words[index % lights], shot.splits) for index, shot in enumerate(taken)
    ]
    again = tuple(RELIGHT if number in held else None for number in range(cameras))
    learned = [step for step in timesteps if not step.held_out]
    chosen = [learned[(2 * k + 1) * len(learned) // (2 * RELIT)] for k in range(RELIT)]
    return taken + [Shot(step, light, again) for light in HELD_OUT for step in chosen]


def _shots_splits(timestep: Timestep, cameras: int, held: Sequence[int]) -> tuple[str, ...]:
    if timestep.held_out:
        return ("test",) * cameras
    return tuple("val" if number in held else "train" for number in range(cameras))


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

    scenes: Mapping[str | None, Scene]  # the subject under each light
    shots: Sequence[Shot]
    cameras: Sequence[Camera]


def make_capture(options: CaptureOptions) -> Made:
    """Render the capture, or the rest of it where an earlier run was interrupted.

    Raises InputError, FileNotFoundError or OSError with one sentence for what cannot be made.
    """
    check_options(options)
    use_threads(options.threads)
    claim(options)
    stage = _set_up(options)
    drawn = _draw_all(options, stage)
    _write_truth(options, stage)
    return made(options.out, sum(len(shot.cameras) for shot in stage.shots), drawn)


def _set_up(options: CaptureOptions) -> CaptureSetup:
    scene = build_scene(options.seed)
    counts = (options.timestep_count, options.held_out_timesteps)
    timesteps = acted(scene.head, scene.units, scene.rest, counts, options.voice, options.seed)
    taken = shots(timesteps, options.cameras, options.lights, options.seed)
    words = dict.fromkeys(shot.light for shot in taken)
    lit = {light: replace(scene, light=capture_light(light)) if light else scene for light in words}
    return CaptureSetup(
        scenes=lit,
        shots=taken,
        cameras=capture_cameras(options.cameras, *options.size, options.seed),
    )


def _draw_all(options: CaptureOptions, stage: CaptureSetup) -> int:
    """Draw every picture that is not there yet; returns how many those were."""
    return in_threads(
        lambda index: _draw_shot(options.out, stage, index),
        [len(shot.cameras) for shot in stage.shots],
    )


def _draw_shot(out: Path, stage: CaptureSetup, index: int) -> int:
    """Draw one timestep for all cameras that lack it."""
    shot = stage.shots[index]
    missing = [
        number
        for number in shot.cameras
        if not all((out / picture_path(key, index, number)).is_file() for key in PICTURES)
    ]
    if not missing:
        return 0
    timestep = shot.timestep
    surface = pose_scene(stage.scenes[shot.light], timestep.offsets, timestep.head_pose)
    for number in missing:
        picture = draw(surface, stage.cameras[number], np.ones(3))
        parts = (picture.colour, picture.mask, picture.regions)
        for key, part in zip(PICTURES, parts, strict=True):
            write_picture(out / picture_path(key, index, number), part)
    return len(missing)


def _write_truth(options: CaptureOptions, stage: CaptureSetup) -> None:
    """Write the meshes, and last the transforms."""
    write_rest(options.out, next(iter(stage.scenes.values())))
    for index, shot in enumerate(stage.shots):
        vertices = shot.timestep.vertices.astype(np.float32)
        write_arrays(options.out / vertices_path(index), {"vertices": vertices})
    write_transforms(options.out, dict(_splits(stage)))


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


def _splits(stage: CaptureSetup) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The frames of each split: train, held-out cameras, held-out sequences, held-out lights."""
    for split in (*SPLITS, RELIGHT):
        entries = [
            frame_entry(
                index, number, stage.cameras[number], shot.timestep.sequence, light=shot.light
            )
            for index, shot in enumerate(stage.shots)
            for number in shot.cameras
            if shot.splits[number] == split
        ]
        if entries or split != RELIGHT:
            yield split, entries
