"""A voice recording, or recorded face motion, and an avatar become a talking-head video."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from audio2mesh import SpeechToMotion, probe_audio, stated_seconds
from avatar.arkit import Take, read_take
from avatar.drive.device_clock import DeviceClock
from avatar.drive.loaded import Stage, Subject, open_subject, set_stage
from avatar.drive.motion import Motion, motion_file
from avatar.drive.on_device import (
    Darkroom,
    moments_at_once,
    moments_of,
    open_darkroom,
    pictures,
)
from avatar.drive.options import DriveOptions, check_options, default_out, speaks
from avatar.drive.performance import perform
from avatar.drive.report import Report, StageClock, peak_rss_mb
from avatar.film.audio_track import Sound
from avatar.film.camera_track import camera_track, portrait
from avatar.film.video import open_writer
from avatar.rig.pose import pose
from common.colours import parse_colour
from common.parallel import in_pairs
from common.progress import progress_bar
from common.threads import use_threads
from splat import Camera

DRAWN = "its face looks drawn, so that little of what it does means much: film a person"


@dataclass(frozen=True)
class Scene:
    """A subject, what it does and what is heard, checked and loaded."""

    subject: Subject
    motion: Motion
    sound: Sound | None
    audio_seconds: float


def drive(options: DriveOptions, stage: Stage | None = None) -> Report:
    """Render the video.

    stage: that of a film before this one whose options differ from these in their recording and
    outputs alone. Bad input raises InputError or OSError with one sentence, before a frame is
    drawn; whatever happens, nothing half-written is left.
    """
    clock = StageClock()
    output = options.out or default_out(options)
    use_threads(options.threads)
    check_options(options, output)
    scene = prepare(options, clock, stage and stage.subject)
    with clock.stage("load"):
        stage = stage or set_stage(options, scene.subject)
        cameras = _cameras(options, scene)
    loop_started, cpu_before = time.perf_counter(), time.process_time()
    _shoot(options, output, scene, stage, cameras, clock)
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
        backend=scene.subject.backend,
        gaussians=len(scene.subject.avatar.binding),
        stages=clock.seconds,
    )


def prepare(options: DriveOptions, clock: StageClock, subject: Subject | None = None) -> Scene:
    """Load and check what moves the avatar, the sound, and the avatar unless it is given."""
    with clock.stage("load"):
        if options.audio:
            stated_seconds(options.audio)  # says at once what is no sound
        subject = subject or open_subject(options)
        take, sound = _performed(options, subject.device)
    with clock.stage("audio2mesh"):
        motion = perform(subject.face, _mover(subject, take), options, take)
        seconds = motion.frames / motion.fps if speaks(options) else _seconds(sound)
    return Scene(subject, motion, sound, seconds)


def _mover(subject: Subject, take: Take | None) -> Take | SpeechToMotion:
    mover = subject.model or take
    assert mover is not None
    return mover


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
    if performance.drawn:
        print(f"{options.film}: {DRAWN}", file=sys.stderr)
    return performance.take, voice or performance.heard.sound


def _seconds(sound: Sound | None) -> float:
    return probe_audio(sound.path).seconds if sound else 0.0


def _cameras(options: DriveOptions, scene: Scene) -> Iterator[Camera]:
    """One for each frame."""
    return camera_track(
        options.camera,
        portrait(scene.subject.avatar),
        (options.width, options.height),
        (options.azimuth, options.elevation),
        (scene.motion.frames, scene.motion.fps),
    )


def _shoot(
    options: DriveOptions,
    output: Path,
    scene: Scene,
    stage: Stage,
    cameras: Iterator[Camera],
    clock: StageClock,
) -> None:
    """Every frame: move the mesh, carry the Gaussians along, draw, encode."""
    motion, size = scene.motion, (options.width, options.height)
    darkroom = _darkroom(options, output, scene.subject)
    with ExitStack() as stack:
        provenance, nvenc = scene.subject.avatar.provenance, darkroom is not None and darkroom.stay
        film_writer = open_writer(output, *size, motion.fps, scene.sound, provenance, nvenc)
        write = stack.enter_context(film_writer)
        save = _motion_saver(stack, options, scene)
        done = stack.enter_context(progress_bar("driving", motion.frames))
        frames = 0
        if darkroom:
            finished = _many_at_once(options, scene, darkroom, cameras, clock)
        else:
            finished = _one_by_one(scene, stage, cameras, clock)
        for image, moved in finished:
            with clock.stage("encode"):
                write(image if image.is_cuda else image.numpy())
                save(moved)
            done()
            frames += 1
        assert frames == motion.frames, (frames, motion.frames)


def _darkroom(options: DriveOptions, output: Path, subject: Subject) -> Darkroom | None:
    """What keeps whole frames on the device; None where they are the CPU's work, as light is."""
    if subject.backend == "cpu" or options.light is not None:
        return None
    background = torch.tensor(parse_colour(options.background))
    size = options.width, options.height
    return open_darkroom(subject.avatar, subject.device, subject.backend, background, output, size)


def _many_at_once(
    options: DriveOptions,
    scene: Scene,
    darkroom: Darkroom,
    cameras: Iterator[Camera],
    clock: StageClock,
) -> Iterator[tuple[Tensor, Tensor]]:
    avatar, on_device = scene.subject.avatar, DeviceClock(clock, scene.subject.device)
    count = moments_at_once(avatar, options.width, options.height)
    moments = moments_of(avatar, scene.motion, cameras, count, on_device)
    return pictures(moments, darkroom, on_device)


def _one_by_one(
    scene: Scene, stage: Stage, cameras: Iterator[Camera], clock: StageClock
) -> Iterator[tuple[Tensor, Tensor]]:
    offsets = clock.each("audio2mesh", chain.from_iterable(scene.motion.offsets()))
    at_once = in_pairs if scene.subject.backend == "cpu" else map
    drawn = partial(_drawn, scene, stage, clock)
    return at_once(drawn, enumerate(zip(offsets, cameras, strict=True)))


def _drawn(
    scene: Scene, stage: Stage, clock: StageClock, moment: tuple[int, tuple[Tensor, Camera]]
) -> tuple[Tensor, Tensor]:
    """The picture [H, W, 3] of a frame, and the offsets [V, 3] that it shows."""
    number, (moved, camera) = moment
    motion, seconds = scene.motion, number / scene.motion.fps
    with clock.stage("rig"):
        shape = scene.subject.avatar.vertices + moved
        vertices = pose(shape, motion.face.head, motion.head_pose[number])
        gaussians = stage.light(stage.rig(vertices), vertices, camera, seconds)
    with clock.stage("raster"):
        return stage.raster(gaussians, camera, stage.behind(camera, seconds)), moved


def _motion_saver(
    stack: ExitStack, options: DriveOptions, scene: Scene
) -> Callable[[Tensor], None]:
    """A function that saves the offsets [V, 3] of a frame, or ignores them where none are asked."""
    if options.save_motion is None:
        return lambda offsets: None
    save = stack.enter_context(motion_file(options.save_motion, scene.motion))
    return lambda offsets: save(offsets.cpu().numpy())
