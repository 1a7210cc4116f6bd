"""A tracked film against its truth, folder against folder: figures, masks of person and hair."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from avatar.geometry.vectors import Bools
from avatar.heads import load_head
from avatar.reconstruct.capture import View
from avatar.reconstruct.capture_pictures import read_labels, read_picture
from common.errors import InputError
from research.evaluation.avatar.scores import REGIONS, SOLID
from research.evaluation.figures import check_outputs, iou
from research.evaluation.options import TrackingEvaluationOptions
from research.evaluation.tracking.measures import TrackingScores, score_track
from research.evaluation.tracking.track import film_views, open_track

FRAMES = 40  # whose masks are compared, at most
HAIR = 1 + REGIONS.index("hair")


def evaluate_tracking(options: TrackingEvaluationOptions) -> TrackingScores:
    """Compare two captures of one film.

    Bad input raises InputError or OSError with one sentence.
    """
    check_outputs(options.report)
    (ours, our_capture), (true, true_capture) = map(open_track, (options.tracked, options.truth))
    if len(ours.vertices) != len(true.vertices):
        raise InputError(
            f"{options.tracked}: has {len(ours.vertices)} frames, but {options.truth} has "
            f"{len(true.vertices)}; track the whole film at its own rate"
        )
    sides = ((options.tracked, our_capture), (options.truth, true_capture))
    views = [film_views(folder, capture) for folder, capture in sides]
    person, hair = (_mean_iou(mask, *views) for mask in (_person, _hair))
    return replace(score_track(ours, true, load_head()), person_iou=person, hair_iou=hair)


def _mean_iou(
    mask: Callable[[View], Bools | None], tracked: Sequence[View], true: Sequence[View]
) -> float:
    """The mean over frames; nan without masks."""
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
