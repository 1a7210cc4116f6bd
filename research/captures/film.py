"""Film a synthetic person into a folder, with the true motion beside the pictures: meshes, poses,
expression units, gaze and exposure."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import torch
from torch import Tensor

from avatar.behaviour.gaze import gaze_degrees
from avatar.geometry.vectors import Floats
from avatar.heads.arkit import WEIGHTS
from avatar.heads.arkit_fit import fit_weights
from avatar.reconstruct.capture_writer import (
    frame_entry,
    picture_path,
    vertices_path,
    write_rest,
    write_transforms,
)
from avatar.rigging.avatar import pose
from avatar.video.sound import SOUND_RATE, Sound, sound_reader
from avatar.video.writer import open_writer
from common.arrays import write_arrays
from common.threads import use_threads
from common.wav_files import write_wav
from research.captures.film_motion import FADE, FilmMotion, filmed
from research.captures.make import Made, claim, in_threads, is_drawn, made, write_pictures
from research.captures.motion import FPS
from research.captures.options import CaptureOptions, check_options
from research.captures.phone import (
    DRIFT,
    GRAIN,
    SHUTTER,
    SWAY_MM,
    backdrop,
    exposure_gains,
    phone_camera,
    sensed,
)
from research.captures.picture import Picture, draw
from research.captures.pose import moved, pose_scene, reposed
from research.captures.scene import Scene, build_scene
from splat import Camera

EYES = ("l-eye", "r-eye")


def write_truth(out: Path, scene: Scene, motion: FilmMotion, gains: Floats) -> None:
    """Write vertices/, canonical_mesh.npz and motion.npz.

    motion.npz holds what `render` replays (rest, faces, offsets [F, V, 3], head_pose [F, 4, 4],
    fps, topology) and besides: torso_pose [F, 4, 4], unit_weights [F, 52] with unit_names, gaze
    [F, 2, 2] (left and right eye; yaw and pitch in degrees in the head), gains [F, 3] of the light.
    """
    write_rest(out, scene.rest, scene.head)
    frames = range(len(gains))
    offsets = torch.stack([motion.offsets(scene.units, frame) for frame in frames])
    world_pose = motion.torso_pose @ motion.head_pose
    for frame in frames:
        vertices = pose(scene.rest + offsets[frame], scene.head, motion.head_pose[frame])
        torso = motion.torso_pose[frame]
        vertices = vertices @ torso[:3, :3].T + torso[:3, 3]
        write_arrays(out / vertices_path(frame), {"vertices": vertices.numpy()})
    eyes = [scene.head.group_vertices(name).numpy() for name in EYES]
    rest = scene.rest.numpy()
    write_arrays(
        out / "motion.npz",
        {
            "rest": rest,
            "faces": scene.head.faces.numpy(),
            "topology": np.array(scene.head.topology),
            "fps": np.array(FPS),
            "offsets": offsets.numpy(),
            "head_pose": world_pose.numpy(),
            "torso_pose": motion.torso_pose.numpy(),
            "unit_weights": unit_weights(scene, motion).numpy(),
            "unit_names": np.array(WEIGHTS),
            "gaze": gaze_degrees(eyes, rest, offsets.numpy()).astype(np.float32),
            "gains": gains.astype(np.float32),
        },
    )


def unit_weights(scene: Scene, motion: FilmMotion) -> Tensor:
    """The 52 weights [F, 52] in ARKit's order: those of the film, and for speech, which is no sum
    of units, those that come nearest to it."""
    order = [scene.head.unit_names.index(name) for name in WEIGHTS]
    weights = motion.weights[:, order].clone()
    if len(motion.speech):
        fitted, _ = fit_weights(replace(scene.head, units=scene.units), [motion.speech])
        weights[: len(fitted)] += fitted
    return weights.clamp(0, 1)


SAMPLES = 2  # per pixel and axis, at each sample time
SHUTTER_TIMES = (-0.5, 0.5)  # of an exposure, in its length
HELD_OUT = 0.2  # of the frames, the last


@dataclass(frozen=True)
class Take:
    """Everything that is filmed, and by what."""

    scene: Scene
    motion: FilmMotion
    camera: Camera
    behind: Floats  # [H, W, 3] radiance of the room
    gains: Floats  # [F, 3]


def make_film(options: CaptureOptions) -> Made:
    """Film the subject of a seed, or the rest of it where an earlier run was interrupted.

    Raises InputError, FileNotFoundError or OSError with one sentence for what cannot be made.
    """
    check_options(options)
    use_threads(options.threads)
    claim(options)
    scene, seed, out = build_scene(options.seed), options.seed, options.out
    frames, voice = options.timestep_count, options.voice
    take = Take(
        scene=scene,
        motion=filmed(scene.head, scene.units, frames, voice, SWAY_MM, seed),
        camera=phone_camera(options.size, seed),
        behind=backdrop(options.size, seed),
        gains=exposure_gains(frames, DRIFT, seed),
    )
    drawn = in_threads(lambda f: _film_frame(options, take, f), [1] * frames)
    if drawn or not (out / "film.mp4").is_file():
        _write_film(options, take)
    write_truth(out, take.scene, take.motion, take.gains)
    write_transforms(out, _splits(take))
    return made(out, frames, drawn)


def _film_frame(options: CaptureOptions, take: Take, index: int) -> int:
    """Draw one frame unless it is there."""
    if is_drawn(options.out, index, 0):
        return 0
    rng = np.random.default_rng([options.seed, 13, index])
    gain = take.gains[index]
    picture = sensed(_exposed(take, index), take.behind * gain, GRAIN, rng)
    write_pictures(options.out, index, 0, picture)
    return 1


def _exposed(take: Take, index: int) -> list[Picture]:
    """The pictures at the sample times of one exposure."""
    offsets, head_pose, _ = _standing(take, index, 0.0)
    lit = pose_scene(take.scene, offsets, head_pose)
    pictures = []
    for time in SHUTTER_TIMES:
        offsets, head_pose, torso_pose = _standing(take, index, time * SHUTTER)
        surface = moved(reposed(lit, offsets, head_pose), torso_pose)
        pictures.append(draw(surface, take.camera, take.gains[index], SAMPLES))
    return pictures


def _standing(take: Take, index: int, later: float) -> tuple[Floats, Floats, Floats]:
    """Offsets [V, 3] from rest, head pose and torso pose [4, 4] of a frame, or so many frames
    later, up to one to either side."""
    scene, motion = take.scene, take.motion
    other = min(max(index + int(np.sign(later)), 0), len(take.gains) - 1)

    def between(now: Tensor, then: Tensor) -> Floats:
        return torch.lerp(now, then, abs(later)).numpy()

    poses = (motion.head_pose, motion.torso_pose)
    head_pose, torso_pose = (between(p[index], p[other]) for p in poses)
    now, then = (motion.offsets(scene.units, f) for f in (index, other))
    return between(now, then), head_pose, torso_pose


def _write_film(options: CaptureOptions, take: Take) -> None:
    """Encode the frames, with as much of the voice as is spoken."""
    sound = None
    if options.voice is not None and len(take.motion.speech):
        sound = Sound(options.out / "voice.wav")
        _write_sound(sound.path, options.voice, len(take.motion.speech))
    with open_writer(options.out / "film.mp4", *options.size, FPS, sound) as write:
        for index in range(len(take.gains)):
            write(imageio.imread(options.out / picture_path("file_path", index, 0)))


def _write_sound(path: Path, voice: Path, frames: int) -> None:
    """Cut a recording to the frames that speak; it fades as the lips do."""
    samples = round(frames / FPS * SOUND_RATE)
    fade = FADE / FPS * SOUND_RATE
    ending = np.clip((samples - np.arange(samples)) / fade, 0, 1)
    cut = sound_reader(voice, SOUND_RATE)(samples) * ending[:, None]
    write_wav(path, cut, SOUND_RATE)


def _splits(take: Take) -> dict[str, list[dict[str, Any]]]:
    """The frames of each split: the last fifth is held out."""
    frames, spoken = len(take.gains), len(take.motion.speech)
    entries = [
        frame_entry(index, 0, take.camera, "speech" if index < spoken else "expressions")
        for index in range(frames)
    ]
    first_held = frames - int(HELD_OUT * frames)
    return {"train": entries[:first_held], "val": [], "test": entries[first_held:]}
