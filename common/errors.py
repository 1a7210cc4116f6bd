"""Errors of the input, reported to the user in one sentence."""

import sys
from pathlib import Path


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
