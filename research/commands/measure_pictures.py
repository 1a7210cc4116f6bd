"""Measure avatars against pictures and films: tables, JSON with --report, pictures with --sheet."""

from collections.abc import Mapping

from rich.table import Table

from common.threads import use_threads
from research.commands.printing import cell, cells, filled, show
from research.evaluation.avatar.evaluate import Evaluation, evaluate_avatar
from research.evaluation.film.evaluate import Row, evaluate_films
from research.evaluation.options import (
    AvatarEvaluationOptions,
    FilmEvaluationOptions,
    PhotoEvaluationOptions,
    TrackingEvaluationOptions,
)
from research.evaluation.photo.evaluate import PhotoEvaluation, evaluate_photo
from research.evaluation.tracking.evaluate import evaluate_tracking
from research.evaluation.tracking.measures import TrackingScores


def evaluate_likeness(options: AvatarEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_avatar(options)
    tables = [likeness_table(result, options.split)]
    show(tables, result.report(), options.report, options.sheet)


def likeness_table(result: Evaluation, split: str) -> Table:
    """All figures: a row for the whole picture and one for each region."""
    table = Table("", "PSNR (dB)", "SSIM", "LPIPS", "views", title=f"{split} views")
    table.caption = f"correlation of the lips' gap: {cell(result.gap_correlation, '.3f')}"
    parts = {"picture": result.means.whole, **result.means.regions}
    return filled(
        table,
        (
            [name, *cells((s.psnr, s.ssim, s.lpips, s.views), ".2f .4f .4f d")]
            for name, s in parts.items()
        ),
    )


def evaluate_of_photos(options: PhotoEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_photo(options)
    show(photo_tables(result), result.report(), options.report, options.sheet)


def photo_tables(result: PhotoEvaluation) -> list[Table]:
    """All figures: of each photo, from the sides, and against the truth if it is known."""
    found = []
    for number, each in enumerate(result.photos, start=1):
        parts = {"person": each.scores.whole, **each.scores.regions}
        rows = ([name, *cells((s.psnr, s.ssim), ".2f .4f")] for name, s in parts.items())
        caption = f"intersection over union of the outlines {each.outline:.3f}"
        found.append(filled(Table(f"photo {number}", "PSNR (dB)", "SSIM", caption=caption), rows))
    errors = "error, of the eyes' distance", "95th", "gap's correlation"
    sides = (
        cells((s.yaw_deg, s.found, s.error, s.error_p95, s.gap_correlation), SIDE)
        for s in result.sides
    )
    found.append(filled(Table("while it speaks, from", "face found", *errors), sides))
    figures = "person (dB)", "head (dB)", "SSIM", "outlines' IoU", "views"
    truth = (
        cells((a.angle_deg, a.person, a.head, a.ssim, a.outline, a.views), ".0f° .2f .2f .4f .3f d")
        for a in result.truth
    )
    table = Table("against the truth, from", *figures)
    return [*found, filled(table, truth)] if result.truth else found


SIDE = "+.0f° .0% .1% .1% .3f"


def evaluate_any_film(options: FilmEvaluationOptions) -> None:
    use_threads(options.threads)
    rows = evaluate_films(options)
    show(film_tables(rows), rows, options.report)


def film_tables(rows: Mapping[str, Row]) -> list[Table]:
    """A row for each film, or folder of films: its lips, and its face."""
    lips = Table(
        *("lips", "gap r", "95 %", "width r", "95 %", "unshifted", "shift (ms)", "amplitude"),
        *("gap error (%)", "closures", "found", "false", "in silence (%/s)"),
        caption="unshifted, amplitude: of gap and width; gap error, speed in silence: of the "
        "eyes' distance",
    )
    face = Table("face", "sharpness", "varies", "yaw (°)", "pitch", "roll", "speed (°/s)", "found")
    for name, row in rows.items():
        title = name if row.films == 1 else f"{name} ({row.films})"
        lips.add_row(title, *_lip_cells(row))
        if row.picture:
            figures = [*vars(row.picture).values()]
            face.add_row(title, *cells(figures, ".4f .0% .1f .1f .1f .1f .0%"))
    return [lips, face]


def _lip_cells(row: Row) -> list[str]:
    of = row.lips

    def pair(gap: float, width: float) -> str:
        return " ".join(cells((gap, width), ".2f .2f"))

    def between(name: str) -> str:
        low, high = row.intervals.get(name, (float("nan"),) * 2)
        return cell(low, ".2f") + (f" to {high:.2f}" if low == low else "")

    return [
        *(cell(of.gap_r, ".3f"), between("gap_r"), cell(of.width_r, ".3f"), between("width_r")),
        pair(of.gap_r_unshifted, of.width_r_unshifted),
        cell(of.shift_ms, ".0f"),
        pair(of.gap_amplitude, of.width_amplitude),
        *cells((100 * of.gap_error, of.closures_called), ".1f g"),
        *cells((of.closures_found, of.closures_false, 100 * of.silent_speed), ".0% .0% .1f"),
    ]


ROWS = {
    "focal_ratio": ("focal length, tracked / true", ".3f"),
    "rotation_deg": ("head rotation less a constant one, median (°)", ".2f"),
    "rotation_p90_deg": ("  90th percentile (°)", ".2f"),
    "rotation_jitter_deg": ("  jitter (°)", ".2f"),
    "reprojection_px": ("face in the picture, of 512 px (px)", ".2f"),
    "drift_px": ("  less a fixed offset of each vertex (px)", ".2f"),
    "jitter_px": ("  jitter (px)", ".2f"),
    "identity_mm": ("face at rest (mm)", ".2f"),
    "mean_face_mm": ("  the mean face's (mm)", ".2f"),
    "lips_mm": ("lips (mm)", ".2f"),
    "shut_gap_mm": ("  gap while shut (mm)", ".2f"),
    "gap_correlation": ("  correlation of the gap", ".3f"),
    "closures_found": ("  closures found", ".0%"),
    "closures_false": ("  closures that are none", ".0%"),
    "gaze_deg": ("gaze (°)", ".2f"),
    "person_iou": ("mask of the person (IoU)", ".3f"),
    "hair_iou": ("mask of hair (IoU)", ".3f"),
}


def evaluate_tracked(options: TrackingEvaluationOptions) -> None:
    scores = evaluate_tracking(options)
    show([tracking_table(scores)], vars(scores), options.report)


def tracking_table(scores: TrackingScores) -> Table:
    """All figures; a dash where the film has nothing to measure."""
    figures = ((title, cell(getattr(scores, name), form)) for name, (title, form) in ROWS.items())
    return filled(Table("", "tracked against true"), figures)
