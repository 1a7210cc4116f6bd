"""Motion for other programs: ARKit weights, FLAME parameters, an animated mesh, its vertices; and
the Gaussians of an avatar."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import assert_never

import torch
from torch import Tensor

from avatar.avatar_io.animated_glb import HeadJoint, MorphTargets, gaussian_paint, write_glb
from avatar.avatar_io.avatar_file import provenance_comments
from avatar.avatar_io.live_link import write_take
from avatar.avatar_io.motion_file import SavedMotion
from avatar.avatar_io.open_avatar import open_avatar
from avatar.avatar_io.options import is_numbered, numbered
from avatar.avatar_io.splat_formats import write_gaussians
from avatar.drive.export_plan import ExportPlan, plan_export
from avatar.drive.motion import DrivenMotion, motion_file, principal_curves
from avatar.drive.options import ExportOptions
from avatar.drive.performance import load_mover, motion_of
from avatar.drive.retarget import avatar_face
from avatar.geometry.coloured import Paint
from avatar.geometry.mesh_file import read_mesh
from avatar.geometry.rotations import head_angles
from avatar.geometry.similarity import Misfit
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads.arkit import WEIGHTS
from avatar.heads.arkit_fit import fit_weights
from avatar.heads.flame_fit import fit_flame, write_flame_motion
from avatar.heads.flame_model import VERTICES, load_flame
from avatar.heads.flame_regions import flame_regions
from avatar.heads.head import ANY_MESH, FLAME, SIZES
from avatar.lighting.environment import Light
from avatar.retarget.fitted_face import Face, face_of, shipped_face
from avatar.retarget.landmarks import read_landmarks
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from avatar.trust.manifest import sign_output
from common.atomic import folder_beside
from common.errors import InputError, naming
from common.progress import progress_bar
from splat import Gaussians


@dataclass(frozen=True)
class Exported:
    """What was written, and the residual of a fit."""

    frames: int
    fps: float
    face: Face
    misfit: Misfit | None = None  # of ARKit weights and FLAME parameters

    def __str__(self) -> str:
        said = f"{self.frames} frames at {self.fps:g} fps of {self.face.name}"
        if self.face.residual_mm is not None:
            said += f", fitted to {self.face.residual_mm:.2f} mm"
        if self.misfit is not None:
            said += (
                f"; on average the lips are {self.misfit.lips_mm:.3f} mm off (they move "
                f"{self.misfit.lip_motion_mm:.2f} mm), all vertices {self.misfit.all_mm:.3f} mm"
            )
        return said


def export(options: ExportOptions) -> Exported:
    """Write a file of motion. Raises InputError, FileNotFoundError or OSError with one sentence;
    whatever happens, nothing half-written is left."""
    plan = plan_export(options)
    done = _export(plan)
    sign_output(plan.out, plan.seal)
    return done


def _export(plan: ExportPlan) -> Exported:
    if plan.form == "flame":
        return _export_flame(plan)
    mover = load_mover(plan.mover, plan.direction, plan.device)
    avatar = open_avatar(*plan.avatar) if plan.avatar else None
    face, paint = _face(plan, avatar)
    motion, misfit = motion_of(mover, face, plan.direction, avatar), None
    match plan.form:
        case "weights":
            misfit = _write_weights(plan.out, motion)
        case "vertices":
            with motion_file(plan.out, motion) as append:
                for chunk in _offsets(motion):
                    append(chunk.numpy())
        case "morphs":
            head = motion.face.head
            joint = HeadJoint(head.pivot, head.pose_weights, motion.head_pose)
            targets = morph_targets(motion)
            said = provenance_comments(avatar) if avatar else ()
            write_glb(plan.out, motion.face.mesh, targets, motion.fps, joint, paint, said)
        case "gaussians":
            raise AssertionError("export_gaussians writes them")
        case _:
            assert_never(plan.form)
    return Exported(motion.frames, motion.fps, motion.face, misfit)


def _face(plan: ExportPlan, avatar: Avatar | None) -> tuple[Face | None, Paint | None]:
    """The head to move, the avatar's if there is one, and its colours; None where the motion has
    its own head."""
    saved = plan.mover if isinstance(plan.mover, SavedMotion) else None
    if plan.avatar and avatar:
        paint = _avatar_paint(avatar) if plan.form == "morphs" else None
        return avatar_face(plan.avatar.path, avatar, saved), paint
    if plan.mesh:
        path, landmarks = plan.mesh.path, plan.mesh.landmarks
        points = read_landmarks(landmarks) if landmarks else None
        scan = read_mesh(path, plan.mesh.texture)
        with naming(path):
            return face_of(scan.mesh, ANY_MESH, landmarks=points), scan.paint
    return (None if saved else shipped_face()), None


def _avatar_paint(avatar: Avatar) -> Paint:
    """The colours of an avatar's mesh."""
    gaussians = avatar_rig(avatar, torch.device("cpu"))(avatar.vertices)
    return gaussian_paint(gaussians, avatar.vertices, avatar.faces)


def _offsets(motion: DrivenMotion) -> Iterator[Tensor]:
    """The offsets of a motion, with a progress bar."""
    with progress_bar("exporting", motion.frames) as show:
        done = 0
        for chunk in motion.offsets():
            yield chunk
            done += len(chunk)
            show(done)


def _write_weights(out: Path, motion: DrivenMotion) -> Misfit:
    to_head = motion.face.to_head
    weights, misfit = fit_weights(motion.face.head, _offsets(motion))
    angles = head_angles(to_head.of_motions(motion.head_pose))
    write_take(out, weights.numpy(), angles.numpy(), motion.fps)
    return misfit.scaled(to_head.scale)


def _export_flame(plan: ExportPlan) -> Exported:
    """Fit FLAME to the motion of a subject of its own topology, else to that of its mean head."""
    file, face = plan.direction.flame, None
    assert file
    mover = load_mover(plan.mover, plan.direction, plan.device)
    flame = load_flame(file)
    if not isinstance(mover, SavedMotion) or mover.topology not in SIZES:
        face = face_of(Mesh(flame.template, flame.faces), FLAME)
    motion = motion_of(mover, face, plan.direction)
    rest = motion.face.mesh.vertices[:VERTICES]  # without teeth
    chunks = (chunk[:, :VERTICES] for chunk in _offsets(motion))
    lips = flame_regions(flame.template, flame.faces)["lips"]
    found, misfit = fit_flame(flame, rest, chunks, lips)
    write_flame_motion(plan.out, found, motion.head_pose)
    return Exported(motion.frames, motion.fps, motion.face, misfit)


def morph_targets(motion: DrivenMotion) -> MorphTargets:
    """The directions that a motion is made of, or else its principal ones; weights lie in [-1, 1],
    and those of targets with the name of an ARKit unit in [0, 1], the unit being the target."""
    curves = motion.curves or principal_curves(motion)
    weights = torch.cat(list(curves.coefficients()))  # [F, K]
    reach = weights.abs().amax(0).clamp(min=1e-12)
    reach[torch.tensor([name in WEIGHTS for name in curves.names])] = 1.0
    return MorphTargets(curves.names, curves.basis * reach[:, None, None], weights / reach)


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
    """Write an avatar's Gaussians: at rest, at one time, or frame by frame. Raises as `export`."""
    plan = plan_export(options)
    done = _export_gaussians(plan)
    sign_output(plan.out.parent if is_numbered(plan.out) else plan.out, plan.seal)
    return done


def _export_gaussians(plan: ExportPlan) -> ExportedGaussians:
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
    if is_numbered(plan.out):
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
