"""Motion for other programs: ARKit weights, FLAME parameters, an animated mesh, its vertices."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

import torch
from torch import Tensor

from audio2mesh import SpeechToMotion, load_model, stated_seconds
from avatar.arkit import Take, head_angles, read_take, write_take
from avatar.arkit.fit import fit_weights
from avatar.drive.export_options import ExportOptions, check_export
from avatar.drive.morph_targets import morph_targets
from avatar.drive.motion import Motion, motion_file
from avatar.drive.performance import perform
from avatar.drive.retarget import avatar_face, carried, naming
from avatar.exports.animated_glb import HeadJoint, write_glb
from avatar.exports.vertex_colours import gaussian_paint
from avatar.files.motion_file import SavedMotion, open_motion
from avatar.files.open_avatar import open_avatar
from avatar.flame import flame_regions, load_flame
from avatar.flame.fit_motion import fit_flame, write_flame_motion
from avatar.flame.indices import VERTICES
from avatar.heads.topologies import ANY_MESH, FLAME, SIZES
from avatar.mesh import Mesh
from avatar.mesh.coloured import Paint
from avatar.mesh.mesh_file import read_mesh
from avatar.mesh.misfit import Misfit
from avatar.rig.avatar import Avatar
from avatar.rig.draw import avatar_rig
from avatar.transfer import read_landmarks
from avatar.transfer.fitted_face import Face, face_of, shipped_face
from common.device import pick_device
from common.progress import progress_bar

Mover = SavedMotion | Take | SpeechToMotion


@dataclass(frozen=True)
class Exported:
    """What was written, and how well a fit says what was meant."""

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
    form = check_export(options)
    assert form != "gaussians", "export_gaussians writes them"
    mover = mover_of(options)
    if form == "flame":
        return _export_flame(options, mover)
    face, paint = _face(options, mover)
    motion, misfit = moving(options, face, mover), None
    match form:
        case "weights":
            misfit = _write_weights(options, motion)
        case "vertices":
            with motion_file(options.out, motion) as append:
                for chunk in _told(motion):
                    for frame in chunk.numpy():
                        append(frame)
        case "morphs":
            head = motion.face.head
            joint = HeadJoint(head.pivot, head.pose_weights, motion.head_pose)
            targets = morph_targets(motion)
            write_glb(options.out, motion.face.mesh, targets, motion.fps, joint, paint)
        case _:
            assert_never(form)
    return Exported(motion.frames, motion.fps, motion.face, misfit)


def mover_of(options: ExportOptions) -> Mover:
    """What moves the face, read and checked."""
    if options.motion:
        return open_motion(options.motion)
    if options.arkit:
        return read_take(options.arkit)
    assert options.audio
    stated_seconds(options.audio)  # says at once what is no sound
    return load_model(options.weights, pick_device(options.device))


def _face(options: ExportOptions, mover: Mover) -> tuple[Face | None, Paint | None]:
    """The head that shall move and its colours; None where the motion has a head of its own."""
    saved = mover if isinstance(mover, SavedMotion) else None
    if options.avatar:
        avatar = open_avatar(options.avatar, options.flame, options.landmarks, options.texture)
        return avatar_face(options.avatar, avatar, saved), _avatar_paint(options, avatar)
    if options.mesh:
        landmarks = read_landmarks(options.landmarks) if options.landmarks else None
        scan = read_mesh(options.mesh, options.texture)
        with naming(options.mesh):
            return face_of(scan.mesh, ANY_MESH, landmarks=landmarks), scan.paint
    return (None if saved else shipped_face()), None


def _avatar_paint(options: ExportOptions, avatar: Avatar) -> Paint | None:
    """The colours of an avatar's mesh, where they are written."""
    if options.out.suffix.lower() != ".glb":
        return None
    gaussians = avatar_rig(avatar, torch.device("cpu"))(avatar.vertices)
    return gaussian_paint(gaussians, avatar.vertices, avatar.faces)


def moving(options: ExportOptions, face: Face | None, mover: Mover) -> Motion:
    if isinstance(mover, SavedMotion):
        return carried(mover, face)
    assert face is not None
    return perform(face, mover, options)


def _told(motion: Motion) -> Iterator[Tensor]:
    """The offsets, with a progress bar."""
    with progress_bar("exporting", motion.frames) as show:
        done = 0
        for chunk in motion.offsets():
            yield chunk
            done += len(chunk)
            show(done)


def _write_weights(options: ExportOptions, motion: Motion) -> Misfit:
    to_head = motion.face.to_head
    weights, misfit = fit_weights(motion.face.head, _told(motion))
    angles = head_angles(to_head.of_motions(motion.head_pose))
    write_take(options.out, weights.numpy(), angles.numpy(), motion.fps)
    return misfit.scaled(to_head.scale)


def _export_flame(options: ExportOptions, mover: Mover) -> Exported:
    """Fit FLAME to the motion of a subject of its own topology, else to that of its mean head."""
    assert options.flame
    flame, face = load_flame(options.flame), None
    if not isinstance(mover, SavedMotion) or mover.topology not in SIZES:
        face = face_of(Mesh(flame.template, flame.faces), FLAME)
    motion = moving(options, face, mover)
    rest = motion.face.mesh.vertices[:VERTICES]  # without teeth
    chunks = (chunk[:, :VERTICES] for chunk in _told(motion))
    lips = flame_regions(flame.template, flame.faces)["lips"]
    found, misfit = fit_flame(flame, rest, chunks, lips)
    write_flame_motion(options.out, found, motion.head_pose)
    return Exported(motion.frames, motion.fps, motion.face, misfit)
