"""A voice recording and an avatar become a talking-head video: the one file that joins both."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audio2mesh import (
    SpeechToMotion,
    frame_energy,
    load_model,
    probe_audio,
    stream_audio,
    stream_offsets,
)
from avatar.colours import parse_colour
from avatar.draw import avatar_rig, rasterizer
from avatar.heads import Head, fit_units, load_head
from avatar.life import Life, live, still
from avatar.motion_file import motion_writer
from avatar.options import DriveOptions, check_options, default_output
from avatar.output import exact_rate
from avatar.progress import progress_bar
from avatar.report import Report, StageClock, peak_rss_mb
from avatar.subject import Avatar, load_avatar
from avatar.video import open_writer
from avatar.view import camera_track
from splat import Backend, Camera, Gaussians, choose_backend, orbit


@dataclass(frozen=True)
class Take:
    """Everything that the frame loop needs, checked and loaded."""

    avatar: Avatar
    head: Head
    model: SpeechToMotion
    life: Life
    fps: float
    frames: int
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

    Bad input raises ValueError or OSError with one sentence, before a frame is drawn; whatever
    happens, nothing half-written is left.
    """
    clock = StageClock()
    output = options.output or default_output(options)
    check_options(options, output)
    with clock.stage("load"):
        take = prepare(options)
        film = set_up(options, take)
    loop_started = time.perf_counter()
    _shoot(options, output, take, film, clock)
    finished = time.perf_counter()
    return Report(
        output=str(output),
        frames=take.frames,
        fps=take.fps,
        audio_seconds=take.audio_seconds,
        wall_seconds=finished - clock.started,
        steady_fps=take.frames / (finished - loop_started),
        peak_rss_mb=peak_rss_mb(),
        backend=take.backend,
        gaussians=len(take.avatar.binding),
        stages=clock.seconds,
    )


def prepare(options: DriveOptions) -> Take:
    """Load and check avatar, weights and sound, and choose the backend."""
    backend, reason = choose_backend(options.device)
    print(f"rasterizer: {backend} ({reason})", file=sys.stderr)
    device = torch.device("cuda" if backend == "gsplat" else "cpu")
    avatar = load_avatar(options.avatar)
    head = load_head(avatar.topology)
    model = load_model(options.weights, device)
    _check_topology(options, avatar, model)
    seconds = probe_audio(options.audio).seconds
    fps = float(exact_rate(options.fps or model.fps))
    energy = frame_energy(stream_audio(options.audio), fps)
    frames = len(energy)
    life = still(frames) if options.still else live(energy, fps, head.pivot, options.seed)
    return Take(avatar, head, model, life, fps, frames, seconds, backend, device)


def _check_topology(options: DriveOptions, avatar: Avatar, model: SpeechToMotion) -> None:
    if model.topology != avatar.topology or model.vertex_count != len(avatar.vertices):
        weights = options.weights or "the weights that ship"
        raise ValueError(
            f"{weights} move topology {model.topology} ({model.vertex_count} vertices), but "
            f"{options.avatar} is {avatar.topology} ({len(avatar.vertices)} vertices); use weights "
            "of the avatar's topology"
        )


def set_up(options: DriveOptions, take: Take) -> Film:
    """The cameras, the rig and the rasterizer of a take, compiled and ready."""
    film = Film(
        cameras=camera_track(
            options.camera,
            take.avatar.vertices,
            (options.width, options.height),
            (options.azimuth, options.elevation),
            (take.frames, take.fps),
        ),
        rig=avatar_rig(take.avatar, take.device),
        raster=rasterizer(take.backend, parse_colour(options.background)),
    )
    tiny = orbit(torch.zeros(3), 1.0, 0.0, 0.0, 20.0, width=16, height=16)
    film.raster(film.rig(take.avatar.vertices), tiny)
    return film


def _shoot(options: DriveOptions, output: Path, take: Take, film: Film, clock: StageClock) -> None:
    """Every frame: move the mesh, carry the Gaussians along, draw, encode."""
    offsets = clock.each("audio2mesh", moving_offsets(options.audio, take))
    size = (options.width, options.height)
    with ExitStack() as stack:
        write = stack.enter_context(open_writer(output, *size, take.fps, options.audio))
        save = _motion_saver(stack, options, take)
        done = stack.enter_context(progress_bar("driving", take.frames))
        count = 0
        for moved in offsets:
            with clock.stage("rig"):
                vertices = take.avatar.vertices + moved
                gaussians = film.rig(pose(vertices, take.head, take.life.head_pose[count]))
            with clock.stage("raster"):
                image = film.raster(gaussians, next(film.cameras))
            with clock.stage("encode"):
                write(image.numpy())
                save(moved.numpy())
            done()
            count += 1
        assert count == take.frames, (count, take.frames)


def moving_offsets(audio: Path, take: Take) -> Iterator[Tensor]:
    """Offsets [V, 3] of every frame, speech and life together, in bounded memory."""
    units = fit_units(take.head, take.avatar.vertices)
    index = [take.head.unit_names.index(name) for name in take.life.unit_weights]
    weights = list(take.life.unit_weights.values())  # each [F]
    chunks: Iterable[Tensor] = stream_offsets(take.model, stream_audio(audio), take.fps)
    frame = 0
    for chunk in chunks:  # [f, V, 3]
        for offsets in chunk.cpu():
            for unit, weight in zip(index, weights, strict=True):
                if weight[frame] > 0:
                    offsets = torch.add(offsets, units[unit], alpha=float(weight[frame]))
            yield offsets
            frame += 1


def pose(vertices: Tensor, head: Head, head_pose: Tensor) -> Tensor:
    """Turn the head of a mesh [V, 3] by head_pose [4, 4]; the neck blends into still shoulders."""
    turned = vertices @ head_pose[:3, :3].T + head_pose[:3, 3]
    return torch.lerp(vertices, turned, head.pose_weights[:, None])


def _motion_saver(stack: ExitStack, options: DriveOptions, take: Take) -> Callable[[NDArray], None]:
    """A function that saves the offsets [V, 3] of a frame, or ignores them where none are asked."""
    if options.save_motion is None:
        return lambda offsets: None
    arrays = {
        "rest": take.avatar.vertices.numpy(),
        "faces": take.avatar.faces.numpy(),
        "fps": np.array(take.fps),
        "head_pose": take.life.head_pose.numpy(),
        "topology": np.array(take.avatar.topology),
        **{f"region_{name}": index.numpy() for name, index in take.head.regions.items()},
    }
    vertices = len(take.avatar.vertices)
    return stack.enter_context(motion_writer(options.save_motion, take.frames, vertices, arrays))
