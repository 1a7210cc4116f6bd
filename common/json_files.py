"""JSON that users write."""

import json
from pathlib import Path
from typing import Any

from common.errors import InputError


def read_json(path: Path) -> Any:
    """What a file holds. FileNotFoundError, or InputError that names the file."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    return parse_json(path.read_bytes(), path)


def parse_json(text: bytes | str, source: object) -> Any:
    """What a text holds. InputError that names its source."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, a number or depth too great
        raise InputError(f"{source}: this is not a JSON file ({error}); write it again") from None
