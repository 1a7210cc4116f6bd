"""A voice recording and an avatar become a talking-head video: the one file that joins both."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
from numpy.typing import NDArray
from torch import Tensor

from audio2mesh import load_model, probe_audio, stated_seconds
from avatar.arkit import Take, read_take
from avatar.drive.lighting import film_light, open_filmed
from avatar.drive.motion import Motion, motion_file
from avatar.drive.options import DriveOptions, check_options, default_out, speaks
from avatar.drive.performance import perform
from avatar.drive.report import Report, StageClock, peak_rss_mb
from avatar.drive.retarget import avatar_face
from avatar.film.audio_track import Sound
from avatar.film.camera_track import camera_track
from avatar.film.video import open_writer
from avatar.light.relight import Lit
from avatar.rig.avatar import Avatar
from avatar.rig.draw import avatar_rig, rasterizer
from avatar.rig.pose import pose
from common.colours import parse_colour
from common.progress import progress_bar
from common.threads import use_threads
from splat import Backend, Camera, Gaussians, orbit, pick_backend


@dataclass(frozen=True)
class Scene:
    """Everything that the frame loop needs, checked and loaded."""

    avatar: Avatar
    motion: Motion
    sound: Sound | None
    audio_seconds: float
    backend: Backend
    device: torch.device


@dataclass(frozen=True)
class Film:
    """The parts that turn moved meshes into pictures."""

    cameras: Iterator[Camera]  # one for each frame
    rig: Callable[[Tensor], Gaussians]  # vertices [V, 3] → world Gaussians
    light: Lit
    raster: Callable[[Gaussians, Camera], Tensor]  # → [H, W, 3] in [0, 1], on the CPU


def drive(options: DriveOptions) -> Report:
    """Render the video.

    Bad input raises InputError or OSError with one sentence, before a frame is drawn; whatever
    happens, nothing half-written is left.
    """
    clock = StageClock()
    output = options.out or default_out(options)
    use_threads(options.threads)
    check_options(options, output)
    scene = prepare(options, clock)
    with clock.stage("load"):
        film = set_up(options, scene)
    loop_started, cpu_before = time.perf_counter(), time.process_time()
    _shoot(options, output, scene, film, clock)
    finished = time.perf_counter()
    return Report(
        output=str(output),
        frames=scene.motion.frames,
        fps=scene.motion.fps,
        audio_seconds=scene.audio_seconds,
        wall_seconds=finished - clock.started,
        steady_fps=scene.motion.frames / (finished - loop_started),
        cpu_seconds=time.process_time() - cpu_before,
        peak_rss_mb=peak_rss_mb(),
        backend=scene.backend,
        gaussians=len(scene.avatar.binding),
        stages=clock.seconds,
    )


def prepare(options: DriveOptions, clock: StageClock) -> Scene:
    """Load and check the avatar, what moves it and the sound, and choose the backend."""
    with clock.stage("load"):
        device, backend, _ = pick_backend(options.device)
        if options.audio:
            stated_seconds(options.audio)  # says at once what is no sound
        avatar = open_filmed(options)
        face = avatar_face(options.avatar, avatar)
        take, sound = _performed(options, device)
        mover = load_model(options.weights, device) if take is None or speaks(options) else take
    with clock.stage("audio2mesh"):
        motion = perform(face, mover, options, take)
        seconds = motion.frames / motion.fps if speaks(options) else _seconds(sound)
    return Scene(avatar, motion, sound, seconds, backend, device)


def _performed(options: DriveOptions, device: torch.device) -> tuple[Take | None, Sound | None]:
    """The recorded performance that moves all of the face, or what a voice does not move; and what
    is heard: the voice, else the film's own sound."""
    voice = Sound(options.audio) if options.audio else None
    if options.film is None:
        return read_take(options.arkit) if options.arkit else None, voice
    from avatar.tracking.perform import performance_of  # noqa: PLC0415  voices need no tracker

    performance = performance_of(options.film, 0.0 if voice else options.sync, device)
    if voice is None:
        print(performance.heard.words, file=sys.stderr)
    return performance.take, voice or performance.heard.sound


def _seconds(sound: Sound | None) -> float:
    return probe_audio(sound.path).seconds if sound else 0.0


def set_up(options: DriveOptions, scene: Scene) -> Film:
    """The cameras, the rig and the rasterizer of a scene, compiled and ready."""
    film = Film(
        cameras=camera_track(
            options.camera,
            scene.avatar.framed,
            (options.width, options.height),
            (options.azimuth, options.elevation),
            (scene.motion.frames, scene.motion.fps),
        ),
        rig=avatar_rig(scene.avatar, scene.device),
        light=film_light(options, scene.avatar, lambda: scene.motion.face),
        raster=rasterizer(scene.backend, torch.tensor(parse_colour(options.background))),
    )
    tiny = orbit(torch.zeros(3), 1.0, 0.0, 0.0, 20.0, width=16, height=16)
    still = scene.avatar.vertices
    film.raster(film.light(film.rig(still), still, tiny, 0.0), tiny)
    return film


def _shoot(
    options: DriveOptions, output: Path, scene: Scene, film: Film, clock: StageClock
) -> None:
    """Every frame: move the mesh, carry the Gaussians along, draw, encode."""
    motion, size = scene.motion, (options.width, options.height)
    with ExitStack() as stack:
        film_writer = open_writer(output, *size, motion.fps, scene.sound, scene.avatar.provenance)
        write = stack.enter_context(film_writer)
        save = _motion_saver(stack, options, scene)
        done = stack.enter_context(progress_bar("driving", motion.frames))
        count = 0
        for moved in clock.each("audio2mesh", chain.from_iterable(motion.offsets())):
            with clock.stage("rig"):
                shape, camera = scene.avatar.vertices + moved, next(film.cameras)
                vertices = pose(shape, motion.face.head, motion.head_pose[count])
                gaussians = film.rig(vertices)
                gaussians = film.light(gaussians, vertices, camera, count / motion.fps)
            with clock.stage("raster"):
                image = film.raster(gaussians, camera)
            with clock.stage("encode"):
                write(image.numpy())
                save(moved.numpy())
            done()
            count += 1
        assert count == motion.frames, (count, motion.frames)


def _motion_saver(
    stack: ExitStack, options: DriveOptions, scene: Scene
) -> Callable[[NDArray], None]:
    """A function that saves the offsets [V, 3] of a frame, or ignores them where none are asked."""
    if options.save_motion is None:
        return lambda offsets: None
    return stack.enter_context(motion_file(options.save_motion, scene.motion))
