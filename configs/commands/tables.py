"""Tables on the terminal, and where there is none."""

from rich.console import Console
from rich.table import Table

WIDEST = 10_000  # characters that may be measured


def print_table(table: Table) -> None:
    """As wide as it needs to be where the output is no terminal."""
    console = Console()
    if not console.is_terminal:
        usual, console.width = console.width, WIDEST
        console.width = max(usual, console.measure(table).maximum)
    console.print(table)
