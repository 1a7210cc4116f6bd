"""JSON files, read and written."""

import json
from pathlib import Path
from typing import Any

from common.atomic import write_beside
from common.errors import InputError, check_file


def read_json(path: Path) -> Any:
    """What a file holds. FileNotFoundError, or InputError that names the file."""
    check_file(path)
    return parse_json(path.read_bytes(), path)


def parse_json(text: bytes | str, source: object) -> Any:
    """What a text holds. InputError that names its source."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, a number or depth too great
        raise InputError(f"{source}: this is not a JSON file ({error}); write it again") from None


def write_json(path: Path, content: Any) -> None:
    """Write a file; it appears whole or not at all."""
    with write_beside(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
