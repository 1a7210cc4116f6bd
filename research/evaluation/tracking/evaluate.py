"""A tracked film against its truth, folder against folder: figures, masks of person and hair, and
a contact sheet of frames with both meshes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

from avatar.geometry.picture_file import read_picture as read_frame
from avatar.geometry.triangle_mesh import face_normals
from avatar.geometry.vectors import Bools, Floats, Ints, normalised
from avatar.geometry.zbuffer import NOTHING, camera_centre, project_samples, rasterize
from avatar.heads import load_head
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import read_labels, read_picture
from common.atomic import write_beside
from common.errors import InputError
from research.evaluation.avatar.scores import REGIONS, SOLID
from research.evaluation.figures import check_outputs
from research.evaluation.options import TrackingEvaluationOptions
from research.evaluation.tracking.measures import TrackingScores, score_track
from research.evaluation.tracking.track import film_views, open_track
from splat import Camera

FRAMES = 40  # whose masks are compared, at most
HAIR = 1 + REGIONS.index("hair")
COLUMNS = 8
TRACKED, TRUE = (70.0, 160.0, 255.0), (90.0, 220.0, 110.0)  # tints of the meshes
VEIL = 0.6  # of a mesh over its frame

Bytes = NDArray[np.uint8]


def evaluate_tracking(options: TrackingEvaluationOptions) -> TrackingScores:
    """Compare two captures of one film; writes the sheet if one is asked for.

    Bad input raises InputError or OSError with one sentence.
    """
    check_outputs(options.report, options.sheet)
    (ours, our_capture), (true, true_capture) = map(open_track, (options.tracked, options.truth))
    if len(ours.vertices) != len(true.vertices):
        raise InputError(
            f"{options.tracked}: has {len(ours.vertices)} frames, but {options.truth} has "
            f"{len(true.vertices)}; track the whole film at its own rate"
        )
    sides = ((options.tracked, our_capture), (options.truth, true_capture))
    tracked, truth = ((capture, film_views(folder, capture)) for folder, capture in sides)
    person, hair = mask_ious(tracked[1], truth[1])
    if options.sheet:
        write_tracking_sheet(options.sheet, tracked, truth)
    scores = score_track(ours, true, load_head())
    return replace(scores, person_iou=person, hair_iou=hair)


def mask_ious(tracked: Sequence[View], true: Sequence[View]) -> tuple[float, float]:
    """Intersection over union of the person and of hair, means over frames; nan without masks.

    Pictures of other sizes are compared at the pixels of the true ones.
    """
    return _mean_iou(_person, tracked, true), _mean_iou(_hair, tracked, true)


def iou(ours: Bools, theirs: Bools) -> float:
    """Intersection over union of two masks; of two empty ones it is 1."""
    rows, columns = (np.arange(n) * m // n for n, m in zip(theirs.shape, ours.shape, strict=True))
    ours = ours[np.ix_(rows, columns)]
    union = (ours | theirs).sum()
    return float((ours & theirs).sum() / union) if union else 1.0


def _mean_iou(
    mask: Callable[[View], Bools | None], tracked: Sequence[View], true: Sequence[View]
) -> float:
    found = []
    for index in np.unique(np.linspace(0, len(true) - 1, FRAMES).round().astype(int)):
        ours, theirs = mask(tracked[index]), mask(true[index])
        if ours is None or theirs is None:
            return float("nan")
        found.append(iou(ours, theirs))
    return float(np.mean(found))


def _person(view: View) -> Bools | None:
    return None if view.mask is None else read_picture(view).mask > SOLID


def _hair(view: View) -> Bools | None:
    return None if view.labels is None else read_labels(view).numpy() == HAIR


def write_tracking_sheet(
    path: Path, tracked: tuple[Capture, Sequence[View]], true: tuple[Capture, Sequence[View]]
) -> None:
    """Write a PNG: some frames, below them the tracked mesh on each, below that the true one.

    Each side is a capture with the view of every frame. It appears whole or not at all.
    """
    count = len(true[1])
    chosen = sorted({(2 * k + 1) * count // (2 * COLUMNS) for k in range(COLUMNS)})
    columns = []
    for index in chosen:
        frame = read_frame(tracked[1][index].image)
        rows = [frame]
        for (capture, views), tint in ((tracked, TRACKED), (true, TRUE)):
            vertices = capture.vertices[index].double().numpy()
            camera = resized(views[index].camera, frame.shape[1], frame.shape[0])
            rows.append(veiled(frame, camera, vertices, capture.faces.numpy(), tint))
        columns.append(np.concatenate(rows))
    with write_beside(path) as partial:
        imageio.imwrite(partial, np.concatenate(columns, axis=1), extension=".png")


def veiled(
    frame: Bytes, camera: Camera, vertices: Floats, faces: Ints, tint: Sequence[float]
) -> Bytes:
    """A frame [H, W, 3] with a mesh [V, 3] over it, brighter where it faces the camera."""
    height, width = frame.shape[:2]
    seen = rasterize(project_samples(camera, vertices), faces, height, width).faces
    towards = normalised(camera_centre(camera).double().numpy() - vertices[faces].mean(1))
    shade = np.abs((face_normals(vertices, faces) * towards).sum(1))
    mesh = np.append(shade, 0.0)[seen][..., None] * np.asarray(tint)
    veil = VEIL * (seen != NOTHING)[..., None]
    return (frame * (1 - veil) + mesh * veil).round().astype(np.uint8)


def resized(camera: Camera, width: int, height: int) -> Camera:
    """The camera for the same picture in another size."""
    K = camera.K.clone()
    K[0] *= width / camera.width
    K[1] *= height / camera.height
    return Camera(camera.viewmat, K, width, height)
