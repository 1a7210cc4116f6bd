"""An avatar's Gaussians for other programs: at rest, at one moment, or frame by frame."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from avatar.arkit import WEIGHTS
from avatar.drive.export import mover_of, moving
from avatar.drive.export_options import ExportOptions, check_export
from avatar.drive.gaussian_options import moves
from avatar.drive.lighting import baked_light
from avatar.drive.motion import Motion
from avatar.drive.retarget import avatar_face
from avatar.exports.formats import FOLLOWS, is_numbered, numbered
from avatar.exports.lam import lam_zip, most_gaussians
from avatar.exports.write import write_gaussians
from avatar.files.motion_file import SavedMotion
from avatar.files.open_avatar import open_avatar
from avatar.rig.avatar import Avatar
from avatar.rig.draw import avatar_rig
from common.atomic import folder_beside, write_beside
from common.errors import InputError
from common.progress import progress_bar
from splat import Gaussians

LitRig = Callable[[Tensor, float], Gaussians]
"""(vertices [V, 3], seconds) → world Gaussians, under --light if there is one."""


@dataclass(frozen=True)
class ExportedGaussians:
    """What was written."""

    gaussians: int
    files: int
    fps: float | None = None  # of numbered files

    def __str__(self) -> str:
        said = f"{self.gaussians:,} Gaussians"
        return said if self.fps is None else f"{self.files} files of {said}, {self.fps:g} a second"


def export_gaussians(options: ExportOptions) -> ExportedGaussians:
    """Write the Gaussians. Raises InputError, FileNotFoundError or OSError with one sentence;
    whatever happens, nothing half-written is left."""
    form = check_export(options)
    assert form == "gaussians" and options.avatar
    mover = mover_of(options) if moves(options) else None
    bare = options.light is not None
    files = options.avatar, options.flame, options.landmarks, options.texture
    avatar = open_avatar(*files, bare=bare)
    rig, count = _lit_rig(options, avatar), len(avatar.binding)
    if options.out.suffix.lower() == FOLLOWS:
        _write_follower(options, avatar, rig)
        return ExportedGaussians(count, 1)
    if mover is None:
        _write(options, options.out, rig(avatar.vertices, 0.0))
        return ExportedGaussians(count, 1)
    saved = mover if isinstance(mover, SavedMotion) else None
    motion = moving(options, avatar_face(options.avatar, avatar, saved), mover)
    if is_numbered(options.out):
        _write_frames(options, motion, rig)
        return ExportedGaussians(count, motion.frames, motion.fps)
    _write(options, options.out, rig(_at(options, motion), options.at or 0.0))
    return ExportedGaussians(count, 1)


def _lit_rig(options: ExportOptions, avatar: Avatar) -> LitRig:
    path = options.avatar
    assert path
    rig = avatar_rig(avatar, torch.device("cpu"))
    light = baked_light(options, avatar, lambda: avatar_face(path, avatar))
    return lambda vertices, seconds: light(rig(vertices), vertices, seconds)


def _write(options: ExportOptions, path: Path, gaussians: Gaussians) -> None:
    write_gaussians(path, gaussians, options.sh_degree, options.up)


def _write_follower(options: ExportOptions, avatar: Avatar, rig: LitRig) -> None:
    """The avatar at rest, and how its Gaussians' centres follow each ARKit unit."""
    most = most_gaussians(len(WEIGHTS))
    if len(avatar.binding) > most:
        raise InputError(
            f"{options.avatar}: has {len(avatar.binding):,} Gaussians, but LAM's renderer has room "
            f"for {most:,}; use an avatar of fewer"
        )
    assert options.avatar
    head, rest = avatar_face(options.avatar, avatar).head, rig(avatar.vertices, 0.0)
    moved = {
        name: rig(avatar.vertices + head.unit(name), 0.0).means - rest.means
        for name in sorted(WEIGHTS)
    }
    with write_beside(options.out) as partial:
        partial.write_bytes(lam_zip(options.out.stem, rest, moved))


def _at(options: ExportOptions, motion: Motion) -> Tensor:
    """The mesh [V, 3] at the moment that is asked for."""
    assert options.at is not None
    number, seconds = int(round(options.at * motion.fps, 6)), motion.frames / motion.fps
    if number >= motion.frames:
        raise InputError(f"--at {options.at:g}: the motion ends after {seconds:.2f} seconds")
    return next(islice(motion.meshes(), number, None))


def _write_frames(options: ExportOptions, motion: Motion, rig: LitRig) -> None:
    """A file for every frame, counted from 1, in a folder that appears whole or not at all."""
    with (
        folder_beside(options.out.parent) as folder,
        progress_bar("exporting", motion.frames) as done,
    ):
        for number, mesh in enumerate(motion.meshes(), start=1):
            seconds = (number - 1) / motion.fps
            _write(options, folder / numbered(options.out, number), rig(mesh, seconds))
            done()
