"""The options of `make-avatar`: whose avatar is made, and from what."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MakeAvatarOptions:
    """Make an avatar of the person on a photo. It speaks with `drive`.

    The face should look into the camera, mouth shut, in soft light, without glasses; more photos
    from other sides show what one leaves open. What no photo shows is invented: a picture beside
    the avatar tells what. Make an avatar of yourself, or of somebody who agreed to it.
    """

    out: Path
    """The avatar file to write (.ply); the picture of what was seen and what was invented gets its
    name with -seen.png."""
    photo: tuple[Path, ...] = ()
    """1 to 5 photos of one person; the first should be the one from the front."""
    seed: int = 0
    """Seed of everything that is left to chance; the same seed gives the same avatar."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
