"""An avatar that is moved by recorded meshes, filmed from any side."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import torch
from torch import Tensor

from avatar.capture import View, check_same_mesh, open_capture, split_views
from avatar.drive.lighting import film_backdrop, film_light, open_filmed
from avatar.drive.render_options import ReplayOptions, check_replay
from avatar.drive.retarget import avatar_face, carried
from avatar.files.motion_file import open_motion
from avatar.film.audio_track import Sound
from avatar.film.camera_track import Framing, camera_track, portrait
from avatar.film.output import exact_rate
from avatar.film.video import open_writer
from avatar.mesh.similarity import fit_similarity
from avatar.rig.avatar import Avatar
from avatar.rig.draw import avatar_rig, rasterizer
from common.colours import parse_colour
from common.errors import InputError
from common.parallel import in_pairs
from common.progress import progress_bar
from splat import Camera, pick_backend

CAPTURE_FPS = 25.0


@dataclass(frozen=True)
class Recording:
    """What a film shows: a mesh and a camera for every frame."""

    meshes: Iterable[Tensor]  # [V, 3] each, world space
    cameras: Iterable[Camera]
    frames: int
    fps: float
    R_world_head: Tensor | None = None  # [3, 3] of a head that looks ahead


def replay(options: ReplayOptions) -> Recording:
    """Film the recording; returns what was filmed.

    Bad input raises InputError or OSError with one sentence, before a frame is drawn; whatever
    happens, nothing half-written is left.
    """
    check_replay(options)
    device, backend, _ = pick_backend(options.device)
    avatar = open_filmed(options)
    recording = _captured(options, avatar) if options.capture else _saved(options, avatar)
    rig = avatar_rig(avatar, device)
    face = partial(avatar_face, options.avatar, avatar)
    light = film_light(options, avatar, face, recording.R_world_head)
    behind = film_backdrop(options, recording.R_world_head)
    raster = rasterizer(backend, torch.tensor(parse_colour(options.background)))
    cameras = iter(recording.cameras)
    first = next(cameras)
    size, sound = (first.width, first.height), options.audio and Sound(options.audio)

    def drawn(moment: tuple[int, tuple[Tensor, Camera]]) -> Tensor:
        number, (mesh, camera) = moment
        seconds = number / recording.fps
        lit = light(rig(mesh), mesh, camera, seconds)
        return raster(lit, camera, behind(camera, seconds))

    at_once = in_pairs if backend == "cpu" else map
    moments = enumerate(zip(recording.meshes, chain([first], cameras), strict=True))
    with (
        open_writer(options.out, *size, recording.fps, sound, avatar.provenance) as write,
        progress_bar("filming", recording.frames) as done,
    ):
        for image in at_once(drawn, moments):
            write(image.numpy())
            done()
    return recording


def _captured(options: ReplayOptions, avatar: Avatar) -> Recording:
    """The tracked meshes of a split, moment by moment, from one of its cameras or from our own."""
    assert options.capture
    capture = open_capture(options.capture, options.flame)
    check_same_mesh(options.avatar, avatar, options.capture, capture)
    split = options.split or "test"
    whole = split_views(capture, split, options.capture)
    options = replace(options, split=split)
    views = _chosen(options, whole)
    moments = sorted({view.timestep for view in views})
    meshes = capture.vertices[moments]  # [F, V, 3]
    fps = float(exact_rate(options.fps or CAPTURE_FPS))
    stands = mean_pose(capture.rest, meshes)
    if options.camera_id is not None:
        cameras: Iterable[Camera] = _own_cameras(options, views, moments)
    else:
        track = _track(options, portrait(avatar, capture.rest), len(moments), fps)
        cameras = before(stands, track)
    return Recording(meshes, cameras, len(moments), fps, stands[:3, :3])


def _saved(options: ReplayOptions, avatar: Avatar) -> Recording:
    """Motion that driving saved, carried over where the avatar has another mesh."""
    assert options.motion
    saved = open_motion(options.motion)
    face = avatar_face(options.avatar, avatar, saved)
    motion = carried(saved, face)

    track = _track(options, portrait(avatar), motion.frames, motion.fps)
    return Recording(motion.meshes(), track, motion.frames, motion.fps)


def _track(options: ReplayOptions, shown: Framing, frames: int, fps: float) -> Iterator[Camera]:
    size, angles = (options.width, options.height), (options.azimuth, options.elevation)
    return camera_track(options.camera, shown, size, angles, (frames, fps))


def mean_pose(rest: Tensor, meshes: Tensor) -> Tensor:
    """Where a head stands on average: [4, 4], head space of the rest mesh [V, 3] to the world of
    its moved meshes [F, V, 3]."""
    source, target = rest.double().numpy(), meshes.mean(0).double().numpy()
    R_world_head = fit_similarity(source, target).rotation
    placed = torch.eye(4, dtype=torch.float64)
    placed[:3, :3] = torch.from_numpy(R_world_head)
    placed[:3, 3] = torch.from_numpy(target.mean(0) - R_world_head @ source.mean(0))
    return placed.float()


def before(head: Tensor, cameras: Iterable[Camera]) -> Iterator[Camera]:
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
    options: ReplayOptions, views: Sequence[View], moments: Sequence[int]
) -> list[Camera]:
    """What one camera of the capture was at every moment; cut to an even size."""
    found = {view.timestep: view.camera for view in views if view.camera_id == options.camera_id}
    if missing := [moment for moment in moments if moment not in found]:
        known = ", ".join(sorted({view.camera_id for view in views}))
        raise InputError(
            f"--camera-id {options.camera_id}: did not see moment {missing[0]} of the "
            f"{options.split} views of {options.capture}; known cameras: {known}"
        )
    return [
        replace(camera, width=camera.width // 2 * 2, height=camera.height // 2 * 2)
        for camera in (found[moment] for moment in moments)
    ]
