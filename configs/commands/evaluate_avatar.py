"""Measure how like the pictures of a capture an avatar is, where it was not trained on them."""

from rich.table import Table

from avatar.evaluation.evaluate import AvatarEvaluationOptions, Evaluation, evaluate_avatar
from common.threads import use_threads
from configs.commands.kept import keep_report
from configs.commands.tables import print_table


def main(options: AvatarEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_avatar(options)
    print_table(figures(result, options.split))
    keep_report(result.report(), options.report, options.sheet)


def figures(result: Evaluation, split: str) -> Table:
    """All figures, a row for the whole picture and one for each region."""
    table = Table("", "PSNR (dB)", "SSIM", "LPIPS", "views", title=f"{split} views")
    for name, scores in {"picture": result.means.whole, **result.means.regions}.items():
        numbers = ((scores.psnr, ".2f"), (scores.ssim, ".4f"), (scores.lpips, ".4f"))
        shown = ("–" if value is None else f"{value:{form}}" for value, form in numbers)
        table.add_row(name, *shown, str(scores.views))
    for name, psnr in result.lights.items():
        table.add_row(f"light: {name}", f"{psnr:.2f}", *("–",) * 2, str(result.means.whole.views))
    said = result.gap_correlation
    table.caption = "correlation of the lips' gap: " + ("–" if said is None else f"{said:.3f}")
    return table
