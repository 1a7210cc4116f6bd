"""A voice recording and an avatar become a talking-head video: the one file that joins both."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from numpy.typing import NDArray
from torch import Tensor

from audio2mesh import SpeechToMotion, load_model, probe_audio
from avatar.arkit import Take, read_take
from avatar.drive.options import DriveOptions, check_options, default_output
from avatar.drive.performance import (
    Performance,
    offset_chunks,
    speech_performance,
    take_performance,
)
from avatar.drive.report import Report, StageClock, peak_rss_mb
from avatar.drive.retarget import carry_basis
from avatar.files.motion_file import SavedMotion, motion_writer
from avatar.files.open_avatar import open_avatar
from avatar.film.camera_track import camera_track
from avatar.film.colours import parse_colour
from avatar.film.output import exact_rate
from avatar.film.video import open_writer
from avatar.mesh import Mesh
from avatar.rig.avatar import Avatar
from avatar.rig.draw import avatar_rig, rasterizer
from avatar.rig.pose import pose
from avatar.transfer.fitted_face import Face, face_of
from common.errors import InputError
from common.progress import progress_bar
from common.threads import use_threads
from splat import Backend, Camera, Gaussians, choose_backend, orbit

TAKE_FPS = 25.0  # of a film of recorded face motion, unless the user says otherwise


@dataclass(frozen=True)
class Scene:
    """Everything that the frame loop needs, checked and loaded."""

    avatar: Avatar
    face: Face
    performance: Performance
    audio_seconds: float
    backend: Backend
    device: torch.device


@dataclass(frozen=True)
class Film:
    """The parts that turn moved meshes into pictures."""

    cameras: Iterator[Camera]  # one for each frame
    rig: Callable[[Tensor], Gaussians]  # vertices [V, 3] → world Gaussians
    raster: Callable[[Gaussians, Camera], Tensor]  # → [H, W, 3] in [0, 1], on the CPU


def drive(options: DriveOptions) -> Report:
    """Render the video.

    Bad input raises InputError or OSError with one sentence, before a frame is drawn; whatever
    happens, nothing half-written is left.
    """
    clock = StageClock()
    output = options.output or default_output(options)
    check_options(options, output)
    use_threads(options.threads)
    with clock.stage("load"):
        scene = prepare(options)
        film = set_up(options, scene)
    loop_started, cpu_before = time.perf_counter(), time.process_time()
    _shoot(options, output, scene, film, clock)
    finished = time.perf_counter()
    return Report(
        output=str(output),
        frames=scene.performance.frames,
        fps=scene.performance.fps,
        audio_seconds=scene.audio_seconds,
        wall_seconds=finished - clock.started,
        steady_fps=scene.performance.frames / (finished - loop_started),
        cpu_seconds=time.process_time() - cpu_before,
        peak_rss_mb=peak_rss_mb(),
        backend=scene.backend,
        gaussians=len(scene.avatar.binding),
        stages=clock.seconds,
    )


def prepare(options: DriveOptions) -> Scene:
    """Load and check the avatar, what moves it and the sound, and choose the backend."""
    backend, reason = choose_backend(options.device)
    print(f"rasterizer: {backend} ({reason})", file=sys.stderr)
    device = torch.device("cuda" if backend == "gsplat" else "cpu")
    seconds = probe_audio(options.audio).seconds if options.audio else 0.0
    mover = read_take(options.arkit) if options.arkit else load_model(options.weights, device)
    avatar = open_avatar(options.avatar, options.flame, options.landmarks)
    face = _face(options, avatar)
    performance = _performance(options, mover, face)
    return Scene(avatar, face, performance, seconds, backend, device)


def _face(options: DriveOptions, avatar: Avatar) -> Face:
    mesh = Mesh(avatar.vertices, avatar.faces)
    try:
        return face_of(mesh, avatar.topology, avatar.template)
    except ValueError as error:
        raise InputError(f"{options.avatar}: {error}") from None


def _performance(options: DriveOptions, mover: Take | SpeechToMotion, face: Face) -> Performance:
    if isinstance(mover, Take):
        fps = float(exact_rate(options.fps or TAKE_FPS))
        return take_performance(face.head, mover, fps, turn_head=not options.still)
    assert options.audio
    weights = options.weights or "the weights that ship"
    basis = carry_basis(mover, face, weights, options.flame)
    fps = float(exact_rate(options.fps or mover.fps))
    seed = None if options.still else options.seed
    return speech_performance(face.head, mover, basis, options.audio, fps, seed)


def set_up(options: DriveOptions, scene: Scene) -> Film:
    """The cameras, the rig and the rasterizer of a scene, compiled and ready."""
    film = Film(
        cameras=camera_track(
            options.camera,
            _framed(scene.avatar),
            (options.width, options.height),
            (options.azimuth, options.elevation),
            (scene.performance.frames, scene.performance.fps),
        ),
        rig=avatar_rig(scene.avatar, scene.device),
        raster=rasterizer(scene.backend, torch.tensor(parse_colour(options.background))),
    )
    tiny = orbit(torch.zeros(3), 1.0, 0.0, 0.0, 20.0, width=16, height=16)
    film.raster(film.rig(scene.avatar.vertices), tiny)
    return film


def _framed(avatar: Avatar) -> Tensor:
    """The vertices [V, 3] that the picture is framed by: of a scan only what is head."""
    return avatar.vertices if avatar.template is None else avatar.template


def _shoot(
    options: DriveOptions, output: Path, scene: Scene, film: Film, clock: StageClock
) -> None:
    """Every frame: move the mesh, carry the Gaussians along, draw, encode."""
    performance, size = scene.performance, (options.width, options.height)
    with ExitStack() as stack:
        write = stack.enter_context(open_writer(output, *size, performance.fps, options.audio))
        save = _motion_saver(stack, options, scene)
        done = stack.enter_context(progress_bar("driving", performance.frames))
        count = 0
        for moved in clock.each("audio2mesh", _frame_offsets(performance)):
            with clock.stage("rig"):
                vertices = scene.avatar.vertices + moved
                gaussians = film.rig(pose(vertices, scene.face.head, performance.head_pose[count]))
            with clock.stage("raster"):
                image = film.raster(gaussians, next(film.cameras))
            with clock.stage("encode"):
                write(image.numpy())
                save(moved.numpy())
            done()
            count += 1
        assert count == performance.frames, (count, performance.frames)


def _frame_offsets(performance: Performance) -> Iterator[Tensor]:
    """Offsets [V, 3] of each frame."""
    for chunk in offset_chunks(performance):
        yield from chunk


def _motion_saver(
    stack: ExitStack, options: DriveOptions, scene: Scene
) -> Callable[[NDArray], None]:
    """A function that saves the offsets [V, 3] of a frame, or ignores them where none are asked."""
    if options.save_motion is None:
        return lambda offsets: None
    face, performance = scene.face, scene.performance
    motion = SavedMotion(
        options.save_motion,
        face.mesh,
        face.head.topology,
        performance.fps,
        performance.head_pose,
        face.fitted,
    )
    return stack.enter_context(motion_writer(motion, face.head.regions))
