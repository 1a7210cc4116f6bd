"""An avatar's Gaussians for other programs: at rest, at one frame, or frame by frame."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from avatar.avatar_io.avatar_file import provenance_comments
from avatar.avatar_io.motion_file import SavedMotion
from avatar.avatar_io.open_avatar import open_avatar
from avatar.avatar_io.options import numbered
from avatar.avatar_io.splat_formats import write_gaussians
from avatar.drive.export_plan import ExportPlan, plan_export
from avatar.drive.motion import DrivenMotion
from avatar.drive.options import ExportOptions
from avatar.drive.performance import load_mover, motion_of
from avatar.drive.retarget import avatar_face
from avatar.lighting.environment import Light
from avatar.retarget.fitted_face import Face
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from avatar.trust.manifest import sign_output
from common.atomic import folder_beside
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
    plan = plan_export(options)
    done = _export(plan)
    sign_output(plan.out.parent if plan.numbered else plan.out, plan.seal)
    return done


def _export(plan: ExportPlan) -> ExportedGaussians:
    files = plan.avatar
    assert plan.form == "gaussians" and files
    avatar = open_avatar(*files)
    saved = plan.mover if isinstance(plan.mover, SavedMotion) else None
    find_face = cache(partial(avatar_face, files.path, avatar, saved))
    rig, count = _lit_rig(plan.light, avatar, find_face), len(avatar.binding)
    said = provenance_comments(avatar)
    if not plan.moves:
        _write(plan, said, plan.out, rig(avatar.vertices, 0.0))
        return ExportedGaussians(count, 1)
    mover = load_mover(plan.mover, plan.direction, plan.device)
    motion = motion_of(mover, find_face(), plan.direction, avatar)
    if plan.numbered:
        _write_frames(plan, said, motion, rig)
        return ExportedGaussians(count, motion.frames, motion.fps)
    _write(plan, said, plan.out, rig(_at(plan.at, motion), plan.at or 0.0))
    return ExportedGaussians(count, 1)


def _lit_rig(light: Light | None, avatar: Avatar, find_face: Callable[[], Face]) -> LitRig:
    rig = avatar_rig(avatar, torch.device("cpu"))
    if light is None:
        return lambda vertices, seconds: rig(vertices)
    from avatar.lighting.relight import baked_light  # noqa: PLC0415  needs SciPy

    baked = baked_light(light, avatar, find_face().head)
    return lambda vertices, seconds: baked(rig(vertices), vertices, seconds)


def _write(plan: ExportPlan, said: tuple[str, ...], path: Path, gaussians: Gaussians) -> None:
    write_gaussians(path, gaussians, plan.sh_degree, plan.up, said)


def _at(seconds: float | None, motion: DrivenMotion) -> Tensor:
    """The mesh [V, 3] at a time."""
    assert seconds is not None
    number, ends = int(round(seconds * motion.fps, 6)), motion.frames / motion.fps
    if number >= motion.frames:
        raise InputError(f"--at {seconds:g}: the motion ends after {ends:.2f} seconds")
    return next(islice(motion.meshes(), number, None))


def _write_frames(
    plan: ExportPlan, said: tuple[str, ...], motion: DrivenMotion, rig: LitRig
) -> None:
    """A file for every frame, counted from 1, in a folder that appears whole or not at all."""
    with (
        folder_beside(plan.out.parent) as folder,
        progress_bar("exporting", motion.frames) as done,
    ):
        for number, mesh in enumerate(motion.meshes(), start=1):
            seconds = (number - 1) / motion.fps
            _write(plan, said, folder / numbered(plan.out, number), rig(mesh, seconds))
            done()
