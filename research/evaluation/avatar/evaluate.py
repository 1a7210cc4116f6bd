"""Measure an avatar, animated by the tracked meshes of a capture, on its pictures."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avatar.avatar_io.open_avatar import open_avatar
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import load_head
from avatar.photo.film import with_own_torso
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import composite, read_labels
from avatar.reconstruct.capture_reader import (
    check_same_mesh,
    open_capture,
    split_views,
    stream_pictures,
)
from avatar.retarget.fitted_face import face_of
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig, rasterizer
from avatar.vision.follow import FaceFinder, load_face_finder
from common.errors import InputError
from common.progress import progress_bar
from research.evaluation.avatar.scores import (
    PERSON,
    REGIONS,
    SMALLEST,
    SOLID,
    Labeller,
    ViewScores,
    lip_opening,
    local_lpips,
    mean_scores,
    mesh_labeller,
    score_view,
)
from research.evaluation.figures import check_outputs, correlation
from research.evaluation.options import AvatarEvaluationOptions
from research.evaluation.sheet import GAIN, Row, write_rows
from splat import pick_backend

MARGIN = 0.25
"""What stays around eyes and mouth in the near rows, as a share of their extent on each side."""
NEAREST = 1 / 6
"""The least share of a picture that is shown from near."""
FACE = 1 + REGIONS.index("eyes")  # the label of eyes; that of the mouth comes after it


@dataclass(frozen=True)
class Compared:
    """One column of a sheet."""

    caption: str
    truth: Tensor  # [H, W, 3] in [0, 1]
    drawn: Tensor  # [H, W, 3]
    near: tuple[slice, slice]  # rows and columns to show enlarged


def face_window(labels: Tensor) -> tuple[slice, slice]:
    """Rows and columns around eyes and mouth, in the shape of the picture [H, W] of labels; the
    middle where neither is seen."""
    height, width = labels.shape
    found = (labels >= FACE).nonzero().float()  # [P, 2]
    if not len(found):
        found = torch.tensor([[height / 3, width / 3], [2 * height / 3, 2 * width / 3]])
    low, high = found.amin(0), found.amax(0)
    extent = (high - low) * (1 + 2 * MARGIN) / torch.tensor([height, width])
    share = min(1.0, max(NEAREST, float(extent.max())))
    middle = ((low + high) / 2).tolist()
    return _window(middle[0], height, share), _window(middle[1], width, share)


def _window(middle: float, length: int, share: float) -> slice:
    size = max(1, round(share * length))
    start = min(max(0, round(middle - size / 2)), length - size)
    return slice(start, start + size)


def rows_of(columns: Sequence[Compared]) -> list[Row]:
    """The rows of a sheet with a column for every view."""
    return [
        Row("truth", [(each.caption, each.truth) for each in columns]),
        Row("render", [("", each.drawn) for each in columns]),
        Row(f"{GAIN} x difference", [("", GAIN * (c.truth - c.drawn).abs()) for c in columns]),
        Row("truth, near", [("", each.truth[each.near]) for each in columns]),
        Row("render, near", [("", each.drawn[each.near]) for each in columns]),
    ]


SHEET_VIEWS = 6
Draw = Callable[[View], Tensor]
"""View → [H, W, 3] in [0, 1]"""


@dataclass(frozen=True)
class Evaluation:
    """The figures of a split."""

    means: ViewScores
    gap_correlation: float | None  # of the lips' opening, drawn and true, as landmarks show it
    columns: tuple[Compared, ...]  # some views, for a sheet
    provenance: str = ""  # of the avatar

    def report(self) -> dict[str, Any]:
        """psnr [dB], ssim, lpips and views, and the same of each region; the lips; the origin."""
        lips = {"gap_correlation": self.gap_correlation, "provenance": self.provenance}
        return {**vars(self.means.whole), "regions": self.means.regions, **lips}


def evaluate_avatar(options: AvatarEvaluationOptions) -> Evaluation:
    """Draw every view of a split and compare it; writes the sheet if one is asked for.

    Bad input raises InputError or OSError with one sentence.
    """
    read = (options.avatar, options.flame)
    check_outputs(options.report, options.sheet, read=read)
    device, backend, _ = pick_backend(options.device)
    avatar = open_avatar(options.avatar, options.flame)
    capture = open_capture(options.capture, options.flame)
    check_same_mesh(options.avatar, avatar, options.capture, capture)
    capture = with_own_torso(options.capture, capture, load_head(), avatar)
    views = split_views(capture, options.split, options.capture)
    _check_sizes(views)
    background = torch.ones(3)
    with torch.no_grad():
        raster = rasterizer(backend, background)
        rig, finder = avatar_rig(avatar, device), load_face_finder(device)

        def draw(view: View) -> Tensor:
            return raster(rig(capture.vertices[view.timestep]), view.camera)

        result = _compare(views, draw, _labeller(avatar, capture), background, finder)
    if options.sheet:
        write_rows(options.sheet, rows_of(result.columns), avatar.provenance)
    return replace(result, provenance=avatar.provenance)


def _check_sizes(views: Sequence[View]) -> None:
    for view in views:
        if min(view.camera.width, view.camera.height) < SMALLEST:
            raise InputError(f"{view.image}: SSIM needs pictures of at least {SMALLEST} pixels")


def _labeller(avatar: Avatar, capture: Capture) -> Labeller:
    """Labels from the capture where it has them, else from its tracked meshes; nothing is labelled
    where the parts of the head are not to be found on them."""
    if all(view.labels for views in capture.splits.values() for view in views):
        return read_labels
    mesh = Mesh(avatar.vertices, avatar.faces)
    try:
        head = face_of(mesh, avatar.topology, avatar.template).head
    except InputError as error:
        print(f"regions are left out: {error}", file=sys.stderr)
        return lambda view: torch.zeros(view.camera.height, view.camera.width)
    return mesh_labeller(head, capture.vertices, capture.faces)


def _compare(
    views: Sequence[View], draw: Draw, label: Labeller, background: Tensor, finder: FaceFinder
) -> Evaluation:
    lpips, message = local_lpips()
    print(message, file=sys.stderr)
    on_sheet = spread(views, SHEET_VIEWS)
    scores: list[ViewScores] = []
    columns: list[Compared] = []
    openings: list[tuple[float, float]] = []
    with progress_bar("comparing", len(views), "views/s") as done:
        for view, picture in stream_pictures(views):
            drawn, truth = draw(view), composite(picture, background)
            labels = label(view)
            person = torch.from_numpy(picture.mask > SOLID)
            scores.append(score_view(drawn, truth, labels, person, lpips))
            ours, theirs = (lip_opening(finder, each) for each in (drawn, truth))
            if ours is not None and theirs is not None:
                openings.append((ours, theirs))
            if view.image in on_sheet:
                caption = _caption(view, scores[-1])
                columns.append(Compared(caption, truth, drawn, face_window(labels)))
            done()
    return Evaluation(mean_scores(scores), correlation(openings), tuple(columns))


def spread(views: Sequence[View], count: int) -> set[Path]:
    """Pictures of at most `count` views that run through timesteps and cameras at once."""
    timesteps = sorted({view.timestep for view in views})
    cameras = sorted({view.camera_id for view in views})
    chosen: set[Path] = set()
    for k in range(count):
        timestep, camera = (x[(2 * k + 1) * len(x) // (2 * count)] for x in (timesteps, cameras))
        at_timestep = [view for view in views if view.timestep == timestep]
        chosen.add(min(at_timestep, key=lambda view: view.camera_id != camera).image)
    return chosen


def _caption(view: View, scores: ViewScores) -> str:
    person = scores.regions.get(PERSON, scores.whole).psnr
    return f"camera {view.camera_id}, timestep {view.timestep}: {person:.1f} dB"
