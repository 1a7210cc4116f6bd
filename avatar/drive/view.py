"""An avatar, and what it says, as a page for the browser."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audio2mesh import load_model, stated_seconds
from avatar.arkit import read_take
from avatar.drive.export_options import ExportOptions
from avatar.drive.lighting import light_colours
from avatar.drive.morph_targets import principal_curves
from avatar.drive.motion import Curves, Motion
from avatar.drive.performance import perform
from avatar.drive.retarget import avatar_face, carried
from avatar.drive.view_options import ViewOptions, check_view, speaks
from avatar.face.emotion.presets import EMOTIONS
from avatar.files.motion_file import open_motion
from avatar.files.open_avatar import open_avatar
from avatar.film.camera_track import DISTANCE, portrait
from avatar.film.sound_file import loudness, sound_file
from avatar.page.build import BARS, Framing, Played, build_page
from avatar.rig.avatar import Avatar
from avatar.transfer.fitted_face import Face
from common.device import pick_device


def view_page(options: ViewOptions) -> bytes:
    """The page. Raises InputError, FileNotFoundError or OSError with one sentence."""
    check_view(options)
    if options.audio:
        stated_seconds(options.audio)  # says at once what is no sound
    files = options.avatar, options.flame, options.landmarks, options.texture
    avatar = open_avatar(*files)
    motion = motion_of(options, avatar)
    face = avatar_face(options.avatar, avatar) if motion is None else motion.face
    feelings = {name: emotion.units for name, emotion in EMOTIONS.items()}
    return build_page(
        title_of(options.avatar),
        avatar,
        face.head,
        framing_of(avatar),
        feelings,
        None if motion is None else _played(motion, options.audio),
        light_colours(options.lights, face, *files),
    )


def framing_of(avatar: Avatar) -> Framing:
    """What a page's camera sees of an avatar at first."""
    target, extent = portrait(avatar)
    return Framing(target, DISTANCE, extent)


def title_of(path: Path) -> str:
    """What a file is called, in words."""
    name = path.stem if path.is_file() else path.name
    return name.replace("_", " ").strip().capitalize() or "Avatar"


def motion_of(options: ViewOptions, avatar: Avatar) -> Motion | None:
    """What the avatar's face does, if anything."""
    if options.motion:
        saved = open_motion(options.motion)
        return carried(saved, avatar_face(options.avatar, avatar, saved))
    if options.arkit:
        return perform(_face(options, avatar), read_take(options.arkit), _direction(options))
    if speaks(options):
        model = load_model(options.weights, pick_device(options.device))
        return perform(_face(options, avatar), model, _direction(options))
    return None


def _face(options: ViewOptions, avatar: Avatar) -> Face:
    return avatar_face(options.avatar, avatar)


def _direction(options: ViewOptions) -> ExportOptions:
    """What exporting would be told of the same performance."""
    shared = {f.name for f in fields(ExportOptions)} & {f.name for f in fields(ViewOptions)}
    return ExportOptions(Path(), **{name: getattr(options, name) for name in shared})


def _played(motion: Motion, audio: Path | None) -> Played:
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
    """How far the mesh is from rest in parts of equal length, [BARS] in 0..1: the picture of a
    motion that has no sound."""
    sizes = curves.basis.flatten(1).norm(dim=1)
    level = (coefficients * sizes).norm(dim=1).double().numpy()
    parts = np.array_split(level, BARS)
    bars = np.array([part.mean() if len(part) else 0.0 for part in parts])
    return bars / max(float(bars.max()), 1e-9)
