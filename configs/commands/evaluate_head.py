"""Measure how heads move while somebody speaks: a table, JSON with --report, pictures."""

from math import isfinite

from rich.table import Table

from avatar.evaluation.head.card import ROWS, Band
from avatar.evaluation.head.evaluate import HeadEvaluation, evaluate_head
from avatar.evaluation.head.options import HeadEvaluationOptions
from configs.commands.kept import keep_report
from configs.commands.tables import print_table


def main(options: HeadEvaluationOptions) -> None:
    result = evaluate_head(options)
    print_table(figures(result))
    keep_report(result.report(), options.report)


def figures(result: HeadEvaluation) -> Table:
    """A row for each measure, a column for each kind of head; * where people are otherwise."""
    table = Table("", "people", "reading", *(column.title for column in result.columns))
    cards = [column.card for column in result.columns]
    outside = [column.outside for column in result.columns]
    for row in ROWS:
        shown = []
        for card, beyond in zip(cards, outside, strict=True):
            figure = card[row.name]
            star = "*" if row.name in beyond else ""
            shown.append(f"{figure:.2f}{star}" if isfinite(figure) else "–")
        table.add_row(row.says, _band(row.speaker), _band(row.reader), *shown)
    return table


def _band(band: Band | None) -> str:
    if band is None:
        return ""
    low, high = band
    return f"{low:g} to {high:g}" if isfinite(high) else f"from {low:g}"
