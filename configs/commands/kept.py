"""What the commands that measure keep on disk, and say that they did."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.json_files import write_readable_json


def keep_report(figures: Mapping[str, Any], report: Path | None, sheet: Path | None = None) -> None:
    """Write the figures where they are wanted; sheet: a picture that is written already."""
    if report:
        write_readable_json(report, figures)
    written = [str(path) for path in (report, sheet) if path]
    if written:
        print(f"wrote {' and '.join(written)}")
