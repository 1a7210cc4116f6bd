"""Tables on the terminal, and where there is none."""

from rich.console import Console
from rich.table import Table


def print_table(table: Table) -> None:
    """As wide as it needs to be where the output is no terminal."""
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, console.measure(table).maximum)
    console.print(table)
