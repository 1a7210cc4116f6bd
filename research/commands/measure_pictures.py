"""Measure avatars against pictures and films: tables, JSON with --report, pictures with --sheet."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table

from common.threads import use_threads
from research.commands.printing import keep_report, print_table
from research.evaluation.avatar.evaluate import Evaluation, evaluate_avatar
from research.evaluation.figures import cell
from research.evaluation.film.evaluate import FilmEvaluation, Row, evaluate_films
from research.evaluation.options import (
    AvatarEvaluationOptions,
    FilmEvaluationOptions,
    PhotoEvaluationOptions,
    TrackingEvaluationOptions,
)
from research.evaluation.photo.evaluate import PhotoEvaluation, evaluate_photo
from research.evaluation.photo.likeness import AtAngle, Photographed
from research.evaluation.photo.turning import Turned
from research.evaluation.tracking.evaluate import evaluate_tracking
from research.evaluation.tracking.measures import TrackingScores


def evaluate_likeness(options: AvatarEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_avatar(options)
    print_table(likeness_table(result, options.split))
    keep_report(result.report(), options.report, options.sheet)


def likeness_table(result: Evaluation, split: str) -> Table:
    """All figures: a row for the whole picture and one for each region."""
    table = Table("", "PSNR (dB)", "SSIM", "LPIPS", "views", title=f"{split} views")
    for name, scores in {"picture": result.means.whole, **result.means.regions}.items():
        figures = (cell(scores.psnr, ".2f"), cell(scores.ssim, ".4f"), cell(scores.lpips, ".4f"))
        table.add_row(name, *figures, str(scores.views))
    table.caption = f"correlation of the lips' gap: {cell(result.gap_correlation, '.3f')}"
    return table


def evaluate_of_photos(options: PhotoEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_photo(options)
    for table in photo_tables(result):
        print_table(table)
    keep_report(result.report(), options.report, options.sheet)


def photo_tables(result: PhotoEvaluation) -> list[Table]:
    """All figures: of each photo, from the sides, and against the truth if it is known."""
    found = [_of_photo(number, each) for number, each in enumerate(result.photos, start=1)]
    found.append(_of_sides(result.sides))
    return [*found, _of_truth(result.truth)] if result.truth else found


def _of_photo(number: int, compared: Photographed) -> Table:
    table = Table(f"photo {number}", "PSNR (dB)", "SSIM")
    for name, scores in {"person": compared.scores.whole, **compared.scores.regions}.items():
        table.add_row(name, cell(scores.psnr, ".2f"), cell(scores.ssim, ".4f"))
    return table


def _of_sides(sides: Sequence[Turned]) -> Table:
    table = Table(
        "while it speaks, from",
        "face found",
        "error, of the eyes' distance",
        "95th",
        "gap's correlation",
    )
    for each in sides:
        errors = (cell(value, ".1%") for value in (each.error, each.error_p95))
        correlation = cell(each.gap_correlation, ".3f")
        table.add_row(f"{each.yaw_deg:+.0f}°", f"{each.found:.0%}", *errors, correlation)
    return table


def _of_truth(rows: Sequence[AtAngle]) -> Table:
    table = Table("against the truth, from", "person (dB)", "head (dB)", "SSIM", "views")
    for each in rows:
        figures = (f"{each.person:.2f}", f"{each.head:.2f}", f"{each.ssim:.4f}", str(each.views))
        table.add_row(f"{each.angle_deg:.0f}°", *figures)
    return table


def evaluate_any_film(options: FilmEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_films(options)
    for table in film_tables(result):
        print_table(table)
    keep_report(result.report(), options.report)


def film_tables(result: FilmEvaluation) -> list[Table]:
    """A row for each film, or folder of films: its lips, and its face."""
    lips = Table(
        *("lips", "gap r", "95 %", "width r", "95 %", "unshifted", "shift (ms)", "amplitude"),
        *("gap error (%)", "closures", "found", "false", "in silence (%/s)"),
        caption="unshifted, amplitude: of gap and width; gap error, speed in silence: of the "
        "eyes' distance",
    )
    face = Table("face", "sharpness", "varies", "yaw (°)", "pitch", "roll", "speed (°/s)", "found")
    for name, row in result.rows.items():
        title = name if row.films == 1 else f"{name} ({row.films})"
        lips.add_row(title, *_lip_cells(row))
        if seen := row.picture:
            angles = (seen.yaw_deg, seen.pitch_deg, seen.roll_deg, seen.head_speed)
            shares = (f"{seen.sharpness:.4f}", f"{seen.sharpness_varies:.0%}")
            face.add_row(title, *shares, *(f"{a:.1f}" for a in angles), f"{seen.found:.0%}")
    return [lips, face]


def _lip_cells(row: Row) -> list[str]:
    of = row.lips

    def pair(gap: float, width: float) -> str:
        return f"{cell(gap, '.2f')} {cell(width, '.2f')}"

    def between(name: str) -> str:
        low, high = row.intervals.get(name, (float("nan"),) * 2)
        return cell(low, ".2f") + (f" to {high:.2f}" if low == low else "")

    return [
        *(cell(of.gap_r, ".3f"), between("gap_r"), cell(of.width_r, ".3f"), between("width_r")),
        pair(of.gap_r_unshifted, of.width_r_unshifted),
        cell(of.shift_ms, ".0f"),
        pair(of.gap_amplitude, of.width_amplitude),
        cell(100 * of.gap_error, ".1f"),
        f"{of.closures_called:g}",
        *(cell(share, ".0%") for share in (of.closures_found, of.closures_false)),
        cell(100 * of.silent_speed, ".1f"),
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
    print_table(tracking_table(scores))
    known = {k: None if v != v else v for k, v in asdict(scores).items()}
    keep_report(known, options.report)


def tracking_table(scores: TrackingScores) -> Table:
    """All figures; a dash where the film has nothing to measure."""
    table = Table("", "tracked against true")
    for name, value in asdict(scores).items():
        title, form = ROWS[name]
        table.add_row(title, cell(value, form))
    return table
