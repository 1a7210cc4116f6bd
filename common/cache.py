"""Where this project keeps what it can compute again."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The user's cache folder of this project; the environment's VOICESPLAT_CACHE names another."""
    if chosen := os.environ.get("VOICESPLAT_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "voicesplat"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "voicesplat"
