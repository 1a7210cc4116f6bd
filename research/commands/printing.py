"""What commands print and keep: tables, in a pipe as well, and reports."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from common.json_files import write_json

WIDEST = 10_000  # characters that may be measured


def show(
    tables: Iterable[Table],
    figures: Mapping[str, Any],
    report: Path | None,
    sheet: Path | None = None,
) -> None:
    """Print tables, and write the figures where they are wanted, those that are no numbers as
    null; sheet: a picture that is written already."""
    for table in tables:
        print_table(table)
    if report:
        write_json(report, known(figures))
    written = [str(path) for path in (report, sheet) if path]
    if written:
        print(f"wrote {' and '.join(written)}")


def known(value: Any) -> Any:
    """The same as plain values, with None in place of what is no number."""
    if is_dataclass(value):
        value = vars(value)
    if isinstance(value, Mapping):
        return {key: known(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [known(each) for each in value]
    return None if value != value else value


def filled(table: Table, rows: Iterable[Iterable[str]]) -> Table:
    """A table with rows."""
    for row in rows:
        table.add_row(*row)
    return table


def cell(value: float | None, form: str) -> str:
    """A figure in a table, by a format that may end in a unit: a dash where it is unknown."""
    unit = "°" * form.endswith("°")
    finite = value is not None and isfinite(value)
    return f"{value:{form.removesuffix(unit)}}{unit}" if finite else "–"


def cells(values: Sequence[float | None], forms: str) -> list[str]:
    """Figures in a row, by formats between spaces."""
    return [cell(value, form) for value, form in zip(values, forms.split(), strict=True)]


def print_table(table: Table) -> None:
    """As wide as it needs to be where the output is no terminal."""
    console = Console()
    if not console.is_terminal:
        usual, console.width = console.width, WIDEST
        console.width = max(usual, console.measure(table).maximum)
    console.print(table)
