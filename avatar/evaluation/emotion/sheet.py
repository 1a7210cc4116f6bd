"""A picture of every feeling in three intensities on several people."""

from collections.abc import Mapping
from pathlib import Path

from avatar.evaluation.emotion.seen import LEVELS, Seen
from avatar.evaluation.emotion.spoken import FEELINGS
from avatar.evaluation.photo.sheet import Row, write_rows


def write_feelings(path: Path, people: Mapping[str, Seen]) -> None:
    """Write a row for each feeling, people side by side; the first row is without one."""
    rows = [Row("neutral", [("0", seen.pictures[FEELINGS[0], 0.0]) for seen in people.values()])]
    for name in FEELINGS:
        tiles = [
            (f"{level:g}", seen.pictures[name, level])
            for seen in people.values()
            for level in LEVELS
        ]
        rows.append(Row(name, tiles))
    write_rows(path, rows)
