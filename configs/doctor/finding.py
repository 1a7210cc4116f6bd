"""What a check found."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["works", "limited", "missing", "broken"]


@dataclass(frozen=True)
class Finding:
    """What there is, and in one sentence what to do where that is not all."""

    state: State
    said: str
    advice: str = ""


Check = Callable[[], Finding]


def examined(checks: Mapping[str, Check]) -> Iterator[tuple[str, Finding]]:
    """Names and findings; a check that fails itself has found something broken."""
    for name, check in checks.items():
        try:
            found = check()
        except Exception as error:  # nothing that is broken may end the examination
            found = Finding("broken", in_short(error), "Install VoiceSplat and its libraries anew.")
        yield name, found


def in_short(error: Exception) -> str:
    """The kind of an error and the first line of what it says."""
    words = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {words[0]}"


def line_of(name: str, found: Finding) -> str:
    """A line, and one below it with the advice."""
    line = f"{name:<10} {found.state:<8} {found.said}"
    return f"{line}\n{'':<19} -> {found.advice}" if found.advice else line
