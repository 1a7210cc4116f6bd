"""Tables in a pipe lose nothing."""

import pytest
from rich.table import Table

from research.commands.printing import print_table


@pytest.mark.parametrize("columns", [2, 40])
def test_a_table_is_as_wide_as_it_needs_to_be(columns: int, capsys: pytest.CaptureFixture[str]):
    table = Table(*(f"column {n}" for n in range(columns)))
    words = [f"a long cell of column {n}" for n in range(columns)]
    table.add_row(*words)
    print_table(table)
    said = capsys.readouterr().out
    assert all(word in said for word in words)
    assert len(said.splitlines()) == 5
