"""Measure spoken feelings: tables, JSON with --report, pictures with --sheet."""

from collections.abc import Iterable

from rich.table import Table

from avatar.evaluation.emotion.evaluate import SHARED, EmotionEvaluation, evaluate_emotion
from avatar.evaluation.emotion.kept import Kept
from avatar.evaluation.emotion.options import EmotionEvaluationOptions
from avatar.evaluation.emotion.sheet import write_feelings
from common.threads import use_threads
from configs.commands.kept import keep_report
from configs.commands.tables import print_table

GROWS = 0.9
"""The rank correlation from which something grows."""


def main(options: EmotionEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_emotion(options)
    for table in (*(kept_table(result, face) for face in result.neutral), seen_table(result)):
        print_table(table)
    if options.sheet:
        write_feelings(options.sheet, result.people)
    keep_report(result.report(), options.report, options.sheet)


def kept_table(result: EmotionEvaluation, face: str) -> Table:
    """What speech keeps on one face, a row for each feeling and intensity."""
    table = Table(
        *("feeling", "at", "m b p shut", "added plainly", "f v", "plainly", "round kept"),
        *("plainly", "largest gap (mm)", "plainly", "LSE-D", "about rest"),
        title=face,
    )
    table.add_row("neutral", "", *_row(result.neutral[face], None))
    for name, by in result.felt[face].items():
        for at, kept in by.items():
            table.add_row(name, at, *_row(kept, result.plain[face][name][at]))
    return table


def _row(felt: Kept, plain: Kept | None) -> Iterable[str]:
    for figure in ("closure_mbp", "contact_fv", "rounding", "largest_gap_mm"):
        said = "{:.2f}" if figure == "largest_gap_mm" else "{:.1%}"
        for kept in (felt, plain):
            value = getattr(kept, figure) if kept else None
            yield "–" if value is None else said.format(value)
    for value in (felt.lse_d, felt.lse_d_about_rest):
        yield "–" if value is None else f"{value:.3f}"


def seen_table(result: EmotionEvaluation) -> Table:
    """How feelings grow, and how surely they are named by what is seen."""
    at = list(result.recognised)
    table = Table("feeling", "units grow", "in pictures", *(f"named at {level}" for level in at))
    for name, units in result.growth[SHARED].items():
        seen = [unit for by in result.seen_growth.values() for unit in by[name].values()]
        shares = [result.recognised[level][name] for level in at]
        table.add_row(
            name,
            f"{min(units.values()):.2f}",
            f"{sum(value >= GROWS for value in seen)} of {len(seen)}",
            *(f"{share:.0%}" for share in shares),
        )
    return table
