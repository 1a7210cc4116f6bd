"""The table on the terminal and the report on disk."""

from collections.abc import Mapping

from rich.table import Table

from audio2mesh.evaluation.measures import MEASURES, Figures

_RATES = {"closure_mbp", "contact_fv", "open_vowels", "rounding", "pause_closure", "per"}
_RATES |= {"closures_agreed", "closures_called", "closures_uncalled", "closures_false"}


def figures_table(rows: Mapping[str, Figures], title: str) -> Table:
    """A line for each measure that some row has, a column for each row."""
    table = Table("measure", title=title)
    for name in rows:
        table.add_column(name, justify="right", no_wrap=True)
    for key, meaning in MEASURES.items():
        values = [row[key] for row in rows.values()]
        if any(value is not None for value in values):
            table.add_row(meaning, *(_cell(key, value) for value in values))
    return table


def _cell(key: str, value: float | None) -> str:
    if value is None:
        return "-"
    return (
        f"{100 * value:.1f} %"
        if key in _RATES
        else f"{value:.3g}"
        if abs(value) < 100
        else f"{value:.0f}"
    )
