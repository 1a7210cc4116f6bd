"""Measure an avatar that was made of photos."""

from collections.abc import Sequence

from rich.table import Table

from avatar.evaluation.options import PhotoEvaluationOptions
from avatar.evaluation.photo.evaluate import PhotoEvaluation, evaluate_photo
from avatar.evaluation.photo.photographed import Photographed
from avatar.evaluation.photo.truth import AtAngle
from avatar.evaluation.photo.turning import Turned
from common.threads import use_threads
from configs.commands.kept import keep_report
from configs.commands.tables import print_table


def main(options: PhotoEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_photo(options)
    for table in tables(result):
        print_table(table)
    keep_report(result.report(), options.report, options.sheet)


def tables(result: PhotoEvaluation) -> list[Table]:
    """All figures: of each photo, from the sides, and against the truth if it is known."""
    found = [_of_photo(number, each) for number, each in enumerate(result.photos, start=1)]
    found.append(_of_sides(result.sides))
    return [*found, _of_truth(result.truth)] if result.truth else found


def _of_photo(number: int, compared: Photographed) -> Table:
    table = Table(f"photo {number}", "PSNR (dB)", "SSIM")
    for name, scores in {"person": compared.scores.whole, **compared.scores.regions}.items():
        table.add_row(name, _shown(scores.psnr, ".2f"), _shown(scores.ssim, ".4f"))
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
        errors = (_shown(value, ".1%") for value in (each.error, each.error_p95))
        correlation = _shown(each.gap_correlation, ".3f")
        table.add_row(f"{each.yaw_deg:+.0f}°", f"{each.found:.0%}", *errors, correlation)
    return table


def _of_truth(rows: Sequence[AtAngle]) -> Table:
    table = Table("against the truth, from", "person (dB)", "head (dB)", "SSIM", "views")
    for each in rows:
        figures = (f"{each.person:.2f}", f"{each.head:.2f}", f"{each.ssim:.4f}", str(each.views))
        table.add_row(f"{each.angle_deg:.0f}°", *figures)
    return table


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"
