"""Errors of the input, reported to the user in one sentence."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any


class InputError(ValueError):
    """Input that cannot be used: one sentence with the file, what is wrong and what to do.

    Commands print it and exit with status 2. Anything else that is raised is a mistake of ours.
    """


def check_file(path: Path, kind: str = "file", advice: str = "check the path") -> None:
    """Raise FileNotFoundError where there is nothing at a path, InputError where it is a folder."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a {kind}")
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such {kind}; {advice}")


def check_idle(options: Any, works: Mapping[str, tuple[object, str]]) -> None:
    """Refuse options, of a dataclass, that are given without effect. InputError.

    works: by the names of options, whether they have any, and what that would take.
    """
    for option in fields(options):
        works_here, needed = works.get(option.name, (True, ""))
        if not works_here and getattr(options, option.name) != option.default:
            flag = option.name.replace("_", "-")
            raise InputError(f"--{flag}: has nothing to do without {needed}; leave it out")


@contextmanager
def naming(place: Path | str) -> Iterator[None]:
    """Begin the sentences of InputErrors that are raised inside the block with a file or a place in
    it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def mendable(error: Exception) -> str | None:
    """The sentence about an error that the user can fix; None for any other."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, InputError | OSError):
        return " ".join(str(error).split())
    of_torch = isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
    if isinstance(error, MemoryError) or of_torch:
        return "this machine has too little free memory for it; ask for less at once"
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return "the GPU has too little free memory for it; ask for less at once or use --device cpu"
    return None
