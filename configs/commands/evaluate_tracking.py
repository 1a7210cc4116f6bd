"""Measure how well a film was tracked, where the truth is known."""

from dataclasses import asdict

from rich.table import Table

from avatar.evaluation.options import TrackingEvaluationOptions
from avatar.evaluation.tracking.evaluate import evaluate_tracking
from avatar.evaluation.tracking.measures import TrackingScores
from configs.commands.kept import keep_report
from configs.commands.tables import print_table

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


def main(options: TrackingEvaluationOptions) -> None:
    scores = evaluate_tracking(options)
    print_table(figures(scores))
    known = {k: None if v != v else v for k, v in asdict(scores).items()}
    keep_report(known, options.report, options.sheet)


def figures(scores: TrackingScores) -> Table:
    """All figures; a dash where the film has nothing to measure."""
    table = Table("", "tracked against true")
    for name, value in asdict(scores).items():
        words, form = ROWS[name]
        table.add_row(words, "–" if value != value else f"{value:{form}}")
    return table
