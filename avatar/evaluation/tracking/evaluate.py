"""A tracked film against its truth, folder against folder."""

from dataclasses import replace

from avatar.evaluation.options import TrackingEvaluationOptions
from avatar.evaluation.tracking.masks import mask_ious
from avatar.evaluation.tracking.measures import TrackingScores, score_track
from avatar.evaluation.tracking.sheet import write_tracking_sheet
from avatar.evaluation.tracking.track import film_views, open_track
from avatar.heads import load_head
from common.errors import InputError
from common.writable import check_writable


def evaluate_tracking(options: TrackingEvaluationOptions) -> TrackingScores:
    """Compare two captures of one film; writes the sheet if one is asked for.

    Bad input raises InputError or OSError with one sentence.
    """
    for path in (options.report, options.sheet):
        if path is not None:
            check_writable(path)
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
