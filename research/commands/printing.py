"""What commands print and keep: tables, in a pipe as well, and reports."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from common.json_files import write_json

WIDEST = 10_000  # characters that may be measured


def print_table(table: Table) -> None:
    """As wide as it needs to be where the output is no terminal."""
    console = Console()
    if not console.is_terminal:
        usual, console.width = console.width, WIDEST
        console.width = max(usual, console.measure(table).maximum)
    console.print(table)


def keep_report(figures: Mapping[str, Any], report: Path | None, sheet: Path | None = None) -> None:
    """Write the figures where they are wanted; sheet: a picture that is written already."""
    if report:
        write_json(report, figures)
    written = [str(path) for path in (report, sheet) if path]
    if written:
        print(f"wrote {' and '.join(written)}")
