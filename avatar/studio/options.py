"""The options of the studio."""

from dataclasses import dataclass
from pathlib import Path

from avatar.trust.options import SignOptions
from common.device import ThreadOptions


@dataclass(frozen=True, kw_only=True)
class StudioOptions(ThreadOptions, SignOptions):
    """One page for all: a photo becomes an avatar, a voice lets it speak, and both become a film.

    It is served to this machine alone, until Ctrl-C. What it makes stays in a folder.
    """

    folder: Path | None = None
    """The folder of avatars, voices and films, which is made; by default VoiceSplat in your home
    folder."""
    port: int = 0
    """Serve at this port of 127.0.0.1; 0 takes any that is free."""
    no_browser: bool = False
    """Only say where the page is; do not open the browser."""
