"""Draw a whole capture into a folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avatar.capture.capture import RELIGHT, SPLITS
from avatar.capture.write import (
    PICTURES,
    frame_entry,
    picture_path,
    vertices_path,
    write_json,
    write_picture,
    write_transforms,
)
from avatar.mesh.vectors import Floats
from avatar.synthetic.capture.cameras import stage_cameras
from avatar.synthetic.capture.claim import Made, claim, made
from avatar.synthetic.capture.drawing import in_threads
from avatar.synthetic.capture.lights import stage_light
from avatar.synthetic.capture.motion import acted
from avatar.synthetic.capture.options import CaptureOptions, check_options
from avatar.synthetic.capture.picture import draw
from avatar.synthetic.capture.pose import pose_scene
from avatar.synthetic.capture.scene import Scene, build_scene, under_light
from avatar.synthetic.capture.shots import Shot, shots
from avatar.synthetic.capture.tracking_noise import exposures, shaken_cameras, tracking_errors
from common.arrays import write_arrays
from splat import Camera


@dataclass(frozen=True)
class Stage:
    """Everything that is drawn, and by whom it is seen."""

    scenes: Mapping[str | None, Scene]  # the sitter under each light
    shots: Sequence[Shot]
    cameras: Sequence[Camera]
    gains: Floats  # [C, 3]


def make_capture(options: CaptureOptions) -> Made:
    """Render the capture, or the rest of it where an earlier run was interrupted.

    Raises InputError, FileNotFoundError or OSError with one sentence for what cannot be made.
    """
    check_options(options)
    claim(options)
    stage = _set_up(options)
    drawn = _draw_all(options, stage)
    _write_tracking(options, stage)
    return made(options.out, sum(len(shot.cameras) for shot in stage.shots), drawn)


def _set_up(options: CaptureOptions) -> Stage:
    scene = build_scene(options.seed)
    counts = (options.moments, options.held_out_timesteps)
    timesteps = acted(scene.head, scene.units, scene.rest, counts, options.voice, options.seed)
    taken = shots(timesteps, options.cameras, options.lights, options.seed)
    words = dict.fromkeys(shot.light for shot in taken)
    lit = {light: under_light(scene, stage_light(light)) if light else scene for light in words}
    return Stage(
        scenes=lit,
        shots=taken,
        cameras=stage_cameras(options.cameras, *options.size, options.seed),
        gains=exposures(options.cameras, options.exposure_noise, options.seed),
    )


def _draw_all(options: CaptureOptions, stage: Stage) -> int:
    """Draw every picture that is not there yet; returns how many those were."""
    return in_threads(
        lambda index: _draw_shot(options.out, stage, index),
        [len(shot.cameras) for shot in stage.shots],
        options.threads,
    )


def _draw_shot(out: Path, stage: Stage, index: int) -> int:
    """Draw one moment for all cameras that lack it."""
    shot = stage.shots[index]
    missing = [
        number
        for number in shot.cameras
        if not all((out / picture_path(key, index, number)).is_file() for key in PICTURES)
    ]
    if not missing:
        return 0
    timestep = shot.timestep
    surface = pose_scene(stage.scenes[shot.light], timestep.vertices, timestep.head_pose)
    for number in missing:
        picture = draw(surface, stage.cameras[number], stage.gains[number])
        parts = (picture.colour, picture.mask, picture.regions)
        for key, part in zip(PICTURES, parts, strict=True):
            write_picture(out / picture_path(key, index, number), part)
    return len(missing)


def _write_tracking(options: CaptureOptions, stage: Stage) -> None:
    """Write meshes and cameras as tracked, the truth beside them, and the transforms last."""
    scene, out = next(iter(stage.scenes.values())), options.out
    write_rest(out, scene)
    degrees, metres = options.camera_noise_deg, options.camera_noise_mm / 1000
    tracked = stage.cameras
    if degrees or metres:
        tracked = shaken_cameras(stage.cameras, degrees, metres, options.seed)
    noisy = tracked is not stage.cameras or options.tracking_noise_mm or options.exposure_noise
    error = options.tracking_noise_mm / 1000
    for index, shot in enumerate(stage.shots):
        offsets = 0.0
        if error:
            offsets = tracking_errors(scene.rest.numpy(), index, error, options.seed)
        vertices = (shot.timestep.vertices + offsets).astype(np.float32)
        write_arrays(out / vertices_path(index), {"vertices": vertices})
    if noisy:
        _write_truth(options, stage)
    write_transforms(out, dict(_splits(stage, tracked)))


def write_rest(out: Path, scene: Scene) -> None:
    """Write the resting mesh of the sitter."""
    write_arrays(
        out / "canonical_mesh.npz",
        {
            "rest": scene.rest.numpy(),
            "faces": scene.head.faces.numpy().astype(np.int32),
            "topology": np.array(scene.head.topology),
        },
    )


def _write_truth(options: CaptureOptions, stage: Stage) -> None:
    truth = options.out / "truth"
    (truth / "vertices").mkdir(parents=True, exist_ok=True)
    for index, shot in enumerate(stage.shots):
        write_arrays(truth / vertices_path(index), {"vertices": shot.timestep.vertices})
    write_json(truth / "exposures.json", stage.gains.tolist())
    write_transforms(truth, dict(_splits(stage, stage.cameras)))


def _splits(stage: Stage, cameras: Sequence[Camera]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The frames of each split: train, held-out cameras, held-out sequences, held-out lights."""
    for split in (*SPLITS, RELIGHT):
        entries = [
            frame_entry(index, number, cameras[number], shot.timestep.sequence, light=shot.light)
            for index, shot in enumerate(stage.shots)
            for number in shot.cameras
            if shot.splits[number] == split
        ]
        if entries or split != RELIGHT:
            yield split, entries
