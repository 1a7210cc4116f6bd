"""The docstrings under options as the paragraphs of --help.

tyro 1.0.17 keeps the line breaks of a docstring whose lines are indented, as they are under a
dataclass's fields, so that lines of the source would be wrapped once more on the screen.
"""

from tyro import _docstrings

_parsed = _docstrings.parse_docstring_from_object


def join_lines() -> None:
    """Have tyro take the lines of a paragraph for one."""
    _docstrings.parse_docstring_from_object = _joined


def _joined(obj: object) -> dict[str, str]:
    return {name: _paragraphs(text) for name, text in _parsed(obj).items()}


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
