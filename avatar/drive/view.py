"""An avatar and its speech as a page for the browser."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audio2mesh import stated_seconds
from avatar.avatar_io.motion_file import SavedMotion
from avatar.avatar_io.open_avatar import AvatarFiles, check_flame, open_avatar
from avatar.behaviour.emotion_presets import EMOTIONS
from avatar.drive.direction import Direction, direction_of
from avatar.drive.motion import Curves, DrivenMotion, principal_curves
from avatar.drive.options import ViewOptions
from avatar.drive.performance import Mover, load_mover, motion_of, read_mover
from avatar.drive.plans import check_fps, files_of, there
from avatar.drive.render_context import light_colours
from avatar.drive.retarget import avatar_face
from avatar.lighting.environment import Environment
from avatar.lighting.environment_files import read_lights
from avatar.page.build import BARS, Live, Played, build_page
from avatar.retarget.fitted_face import Face
from avatar.rigging.avatar import Avatar
from avatar.video.camera_path import DISTANCE, portrait
from avatar.video.sound import loudness, sound_file
from common.device import Device
from common.errors import InputError, check_idle
from common.writable import check_distinct, check_writable


@dataclass(frozen=True)
class ViewPlan:
    files: AvatarFiles
    lights: Mapping[str, Environment]
    direction: Direction
    mover: Mover | None  # None: a voice, or nothing
    audio: Path | None  # that is heard
    device: Device


def plan_view(options: ViewOptions) -> ViewPlan:
    """Check the options; refuses, in one sentence, what cannot work.

    Raises InputError, FileNotFoundError or OSError.
    """
    if options.motion and options.arkit:
        raise InputError("--motion and --arkit: both move the face; leave one out")
    speaks = options.audio is not None and not (options.motion or options.arkit)
    _check_files(options)
    _check_idle(options, speaks)
    check_flame(options.flame, options.avatar, options.weights)
    lights = read_lights(options.lights)
    direction = direction_of(options, speaks, speaks, "a voice that moves the face")
    if not 0 <= options.port <= 65535:
        raise InputError(f"--port {options.port}: must be from 0 to 65535")
    check_fps(options.fps)
    if options.audio:
        stated_seconds(options.audio)  # says at once what is no sound
    mover = read_mover(options.motion, options.arkit)
    files = files_of(options, options.avatar)
    return ViewPlan(files, lights, direction, mover, options.audio, options.device)


def _check_files(options: ViewOptions) -> None:
    read = (options.avatar, options.audio, options.motion, options.arkit, options.weights)
    beside = (options.landmarks, options.texture, options.flame)
    check_distinct([options.export], there(*read, *beside))
    if options.export:
        if options.export.suffix.lower() != ".html":
            raise InputError(f"{options.export}: --export writes a page; name it .html")
        check_writable(options.export)


def _check_idle(options: ViewOptions, speaks: bool) -> None:
    """Refuse options without effect."""
    served = not options.export, "a page that is served; --export writes it"
    spoken = speaks, "a voice that moves the face"
    performed = speaks or options.arkit, "--audio or --arkit"
    works = {"port": served, "no_browser": served, "weights": spoken, "weights_style": spoken}
    check_idle(options, works | {"fps": performed, "still": performed})


def view_page(options: ViewOptions) -> bytes:
    """The page. Raises InputError, FileNotFoundError or OSError with one sentence."""
    plan = plan_view(options)
    avatar = open_avatar(*plan.files)
    motion = motion_on_page(plan, avatar)
    face = avatar_face(plan.files.path, avatar) if motion is None else motion.face
    played = None if motion is None else _played(motion, plan.audio)
    return page_of(plan.files, avatar, face, played, plan.lights)


def page_of(
    files: AvatarFiles,
    avatar: Avatar,
    face: Face,
    played: Played | Live | None,
    lights: Mapping[str, Environment],
) -> bytes:
    """The page of an avatar; face: its mesh, as it moves."""
    target, extent = portrait(avatar)
    framing = {"target": target.tolist(), "distance": DISTANCE, "extent": extent}
    emotions = {name: emotion.units for name, emotion in EMOTIONS.items()}
    colours = light_colours(lights, face, files)
    title = title_of(files.path)
    return build_page(title, avatar, face.head, framing, emotions, played, colours)


def title_of(path: Path) -> str:
    """A title from the name of a file."""
    name = path.stem if path.is_file() else path.name
    return name.replace("_", " ").strip().capitalize() or "Avatar"


def motion_on_page(plan: ViewPlan, avatar: Avatar) -> DrivenMotion | None:
    """The motion of the avatar's face, if any."""
    if plan.mover is None and plan.direction.audio is None:
        return None
    mover = load_mover(plan.mover, plan.direction, plan.device)
    saved = mover if isinstance(mover, SavedMotion) else None
    face = avatar_face(plan.files.path, avatar, saved)
    return motion_of(mover, face, plan.direction, avatar)


def _played(motion: DrivenMotion, audio: Path | None) -> Played:
    curves = motion.curves or principal_curves(motion)
    coefficients = torch.cat(list(curves.coefficients())).cpu()  # [F, C]
    seconds = motion.frames / motion.fps
    return Played(
        names=curves.names,
        basis=curves.basis.cpu(),
        coefficients=coefficients,
        head_pose=motion.head_pose,
        fps=motion.fps,
        sound=sound_file(audio, seconds) if audio else None,
        loudness=loudness(audio, BARS) if audio else _liveliness(curves, coefficients),
    )


def _liveliness(curves: Curves, coefficients: Tensor) -> NDArray[np.float64]:
    """Distance of the mesh from rest in parts of equal length, [BARS] in 0..1: shown in place of
    the loudness of motion without sound."""
    sizes = curves.basis.flatten(1).norm(dim=1)
    level = (coefficients * sizes).norm(dim=1).double().numpy()
    parts = np.array_split(level, BARS)
    bars = np.array([part.mean() if len(part) else 0.0 for part in parts])
    return bars / max(float(bars.max()), 1e-9)
