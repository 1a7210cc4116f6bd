"""An avatar that is moved by recorded meshes, filmed from any side."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import torch
from torch import Tensor

from avatar.avatar_io.motion_file import open_motion
from avatar.avatar_io.open_avatar import open_avatar
from avatar.drive.frames import Film, shoot
from avatar.drive.motion import Moving, moving
from avatar.drive.options import ReplayOptions
from avatar.drive.plans import FilmPlan, plan_replay
from avatar.drive.render_context import AHEAD, lit_render_context
from avatar.drive.report import PhaseClock
from avatar.drive.retarget import avatar_face, retargeted
from avatar.geometry.similarity import fit_motion
from avatar.reconstruct.capture import View
from avatar.reconstruct.capture_reader import check_same_mesh, open_capture, split_views
from avatar.rigging.avatar import Avatar
from avatar.video.output import exact_rate
from common.errors import InputError
from splat import Camera, pick_backend

CAPTURE_FPS = 25.0


@dataclass(frozen=True)
class Recording:
    """A mesh and a camera for every frame of a film."""

    move: Callable[[torch.device | None], Moving]  # world space
    cameras: Iterable[Camera]
    frames: int
    fps: float
    R_world_head: Tensor = AHEAD  # [3, 3] of a head that looks ahead


def replay(options: ReplayOptions) -> Recording:
    """Film the recording; returns what was filmed.

    Bad input raises InputError or OSError with one sentence, before a frame is drawn; whatever
    happens, nothing half-written is left.
    """
    plan = plan_replay(options)
    assert plan.out
    device, backend, _ = pick_backend(plan.look.device)
    avatar = open_avatar(*plan.look.files)
    made = (_captured if options.capture else _saved)(options, plan, avatar)
    face = partial(avatar_face, plan.look.files.path, avatar)
    context = lit_render_context(plan.look, avatar, backend, device, face, made.R_world_head)
    cameras = iter(made.cameras)
    first = next(cameras)
    film = Film(
        plan.out, (first.width, first.height), plan.sound, "filming", plan.look.label, plan.seal
    )
    shoot(film, context, made.move, chain([first], cameras), PhaseClock())
    return made


def _captured(options: ReplayOptions, plan: FilmPlan, avatar: Avatar) -> Recording:
    """The tracked meshes of a split, frame by frame, from one of its cameras or from our own."""
    assert options.capture
    capture = open_capture(options.capture, options.flame)
    check_same_mesh(options.avatar, avatar, options.capture, capture)
    split = options.split or "test"
    whole = split_views(capture, split, options.capture)
    options = replace(options, split=split)
    views = _chosen(options, whole)
    timesteps = sorted({view.timestep for view in views})
    meshes, count = capture.vertices[timesteps], len(timesteps)  # [F, V, 3]
    fps = float(exact_rate(options.fps or CAPTURE_FPS))
    head = mean_pose(capture.rest, meshes)
    if options.camera_id is not None:
        cameras: Iterable[Camera] = _own_cameras(options, views, timesteps)
    else:
        cameras = in_head_space(head, plan.track(plan.framed(avatar, capture.rest), count, fps))
    seen = Moving(lambda: iter([meshes]), lambda moved, _: moved, count, fps)
    return Recording(lambda _: seen, cameras, count, fps, head[:3, :3])


def _saved(options: ReplayOptions, plan: FilmPlan, avatar: Avatar) -> Recording:
    """Motion that driving saved, retargeted where the avatar has another mesh."""
    assert options.motion
    saved = open_motion(options.motion)
    motion = retargeted(saved, avatar_face(options.avatar, avatar, saved))
    track = plan.track(plan.framed(avatar), motion.frames, motion.fps)
    move = partial(moving, motion, avatar)
    return Recording(move, track, motion.frames, motion.fps)


def mean_pose(rest: Tensor, meshes: Tensor) -> Tensor:
    """Mean pose of a head: [4, 4], head space of the rest mesh [V, 3] to the world of
    its moved meshes [F, V, 3]."""
    return fit_motion(rest, meshes.mean(0))


def in_head_space(head: Tensor, cameras: Iterable[Camera]) -> Iterator[Camera]:
    """Cameras given in head space, in the world in which the head has a pose [4, 4]."""
    to_head = torch.linalg.inv(head)
    return (replace(camera, viewmat=camera.viewmat @ to_head) for camera in cameras)


def _chosen(options: ReplayOptions, views: Sequence[View]) -> Sequence[View]:
    """The views of a sequence, or all."""
    if options.sequence is None:
        return views
    known = sorted({view.sequence for view in views if view.sequence is not None})
    if options.sequence not in known:
        raise InputError(
            f"--sequence {options.sequence}: {options.capture} has no such sequence among its "
            f"{options.split} views; known: {', '.join(known) or 'none'}"
        )
    return [view for view in views if view.sequence == options.sequence]


def _own_cameras(
    options: ReplayOptions, views: Sequence[View], timesteps: Sequence[int]
) -> list[Camera]:
    """One camera of the capture at every timestep, cut to an even size."""
    found = {view.timestep: view.camera for view in views if view.camera_id == options.camera_id}
    if missing := [timestep for timestep in timesteps if timestep not in found]:
        known = ", ".join(sorted({view.camera_id for view in views}))
        raise InputError(
            f"--camera-id {options.camera_id}: did not see frame {missing[0]} of the "
            f"{options.split} views of {options.capture}; known cameras: {known}"
        )
    return [
        replace(camera, width=camera.width // 2 * 2, height=camera.height // 2 * 2)
        for camera in (found[timestep] for timestep in timesteps)
    ]
