"""Measure an avatar of photos: on the photos, from the sides, and against the truth."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avatar.drive.drive import prepare
from avatar.drive.motion import DrivenMotion
from avatar.drive.options import DriveOptions
from avatar.drive.plans import plan_drive
from avatar.drive.report import PhaseClock
from avatar.heads import Head, fit_units
from avatar.photo.fit import Fitted
from avatar.photo.make import fit_photos
from avatar.rigging.avatar import Avatar, pose
from avatar.rigging.draw import avatar_rig, rasterizer
from avatar.video.camera_path import portrait, read_track
from avatar.vision.follow import load_face_finder
from common.errors import InputError
from common.progress import progress_bar
from research.evaluation.figures import check_outputs
from research.evaluation.options import PhotoEvaluationOptions
from research.evaluation.photo.likeness import (
    BEHIND,
    AtAngle,
    Likeness,
    Photographed,
    beside,
    by_angle,
    compare,
    compare_with_truth,
    true_views,
)
from research.evaluation.photo.turning import Turned, dotted, look, still_model, turned
from research.evaluation.sheet import Row, write_rows
from research.evaluation.tracking.measures import lip_gaps
from splat import Camera

YAWS = (-45.0, -30.0, -15.0, 0.0, 15.0, 30.0, 45.0)
SIZE = 512  # pixels of the pictures from the sides
SAME = 0.5e-3  # metres: the median by which the mesh of the same photos may differ

Draw = Callable[[Tensor, Camera], Tensor]
"""Vertices [V, 3] and a camera → [H, W, 4] in [0, 1]"""


@dataclass(frozen=True)
class PhotoEvaluation:
    """The figures of an avatar."""

    photos: list[Photographed]
    sides: list[Turned]
    truth: list[AtAngle]

    def report(self) -> dict[str, Any]:
        """Figures by their names, for a file."""
        photos = [
            {**vars(each.scores.whole), "outline": each.outline, "regions": each.scores.regions}
            for each in self.photos
        ]
        return {"photos": photos, "sides": self.sides, "truth": self.truth}


def evaluate_photo(options: PhotoEvaluationOptions) -> PhotoEvaluation:
    """Measure an avatar; writes the sheet if one is asked for.

    Bad input raises InputError or OSError with one sentence.
    """
    if options.frames < 3:
        raise InputError(f"--frames {options.frames}: must be at least 3")
    check_outputs(options.report, options.sheet)
    drive = DriveOptions(avatar=options.avatar, audio=options.audio, device=options.device)
    scene = prepare(plan_drive(drive, film=False), PhaseClock())
    avatar, head = scene.subject.avatar, scene.motion.face.head
    fitted = fit_photos(options.photo, options.focal, options.face)
    _check_same(options.avatar, avatar, fitted)
    shapes = fitted.posed(fit_units(fitted.model.head, fitted.rest))
    rig = avatar_rig(avatar, scene.subject.device)
    raster = rasterizer(scene.subject.backend, None)

    def draw(vertices: Tensor, camera: Camera) -> Tensor:
        return raster(rig(vertices), camera)

    with torch.no_grad():
        photos = [
            compare(photo, shape, head, *on_grey(draw(shape, photo.camera)))
            for photo, shape in zip(fitted.photos, shapes, strict=True)
        ]
        rows = [beside(photos)]
        truth, true_rows = _against_truth(options, shapes[0], head, draw)
        sides, side_row = _from_the_sides(avatar, scene.motion, options.frames, draw)
    if options.sheet:
        write_rows(options.sheet, [*rows, side_row, *true_rows])
    return PhotoEvaluation(photos, sides, truth)


def on_grey(drawn: Tensor) -> tuple[Tensor, Tensor]:
    """A picture [H, W, 4] before grey [H, W, 3], and its opacity [H, W]."""
    colour, opacity = drawn.split([3, 1], 2)
    return torch.lerp(torch.full_like(colour, BEHIND), colour, opacity), opacity[..., 0]


def _check_same(path: Path, avatar: Avatar, fitted: Fitted) -> None:
    if avatar.vertices.shape == fitted.rest.shape:
        apart = (avatar.vertices - fitted.rest).norm(dim=1).median()
        if float(apart) < SAME:
            return
    named = " ".join(str(photo.seen.path) for photo in fitted.photos)
    raise InputError(
        f"{path}: was not made of {named} by this version; make it with make-avatar --photo {named}"
    )


def _against_truth(
    options: PhotoEvaluationOptions, vertices: Tensor, head: Head, draw: Draw
) -> tuple[list[AtAngle], list[Row]]:
    """The figures, and rows of true and drawn pictures."""
    if options.truth is None:
        return [], []
    likenesses: list[Likeness] = []
    true_row, drawn_row = Row("truth", []), Row("avatar", [])
    for true in true_views(options.truth, vertices, head):
        drawn, opacity = on_grey(draw(vertices, true.camera))
        likeness, shown = compare_with_truth(true, drawn, opacity, torch.full((3,), BEHIND))
        likenesses.append(likeness)
        true_row.tiles.append((f"{true.yaw_deg:+.0f}°", shown))
        drawn_row.tiles.append((f"{likeness.person:.1f} dB", drawn))
    return by_angle(likenesses), [true_row, drawn_row]


def _from_the_sides(
    avatar: Avatar, motion: DrivenMotion, count: int, draw: Draw
) -> tuple[list[Turned], Row]:
    """The figures, and the frame with the mouth widest open from every side."""
    finder, model = load_face_finder(), still_model()
    meshes = list(_sampled_meshes(avatar, motion, count))
    gaps = lip_gaps(motion.face.head, torch.stack(meshes).double().numpy())
    view = portrait(avatar)
    sides, row = [], Row("found blue, true green", [])
    with progress_bar("rendering from the sides", len(YAWS) * len(meshes)) as done:
        for yaw in YAWS:
            camera = next(read_track("front", (SIZE, SIZE), (yaw, 0.0))(view, 1, 1.0))
            looks = []
            for mesh in meshes:
                looks.append(look(finder, on_grey(draw(mesh, camera))[0], mesh, model, camera))
                done()
            sides.append(turned(yaw, looks, gaps))
            row.tiles.append((f"{yaw:+.0f}°", dotted(looks[int(gaps.argmax())])))
    return sides, row


def _sampled_meshes(avatar: Avatar, motion: DrivenMotion, count: int) -> Iterable[Tensor]:
    """Meshes [V, 3] of some frames of the motion, evenly spread."""
    chosen = {(2 * k + 1) * motion.frames // (2 * count) for k in range(count)}
    for index, offsets in enumerate(chain.from_iterable(motion.offsets())):
        if index in chosen:
            yield pose(avatar.vertices + offsets, motion.face.head, motion.head_pose[index])
