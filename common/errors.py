"""What is wrong with the input, told to whoever gave it."""

import sys


class InputError(ValueError):
    """Input that cannot be used: one sentence with the file, what is wrong and what to do.

    Commands print it and exit with status 2. Anything else that is raised is a mistake of ours.
    """


def mendable(error: Exception) -> str | None:
    """What the user can do about an error; None where it is not the user's to mend."""
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
